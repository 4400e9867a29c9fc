"""A caller's DTLS certificate with an RSA key, as webrtcbin of GStreamer 1.22 (nheko) makes it; aiortc's own has an elliptic curve's.

Calls never live here.
"""

import aiortc.rtcpeerconnection
from aiortc.rtcdtlstransport import RTCCertificate, generate_certificate
from cryptography.hazmat.primitives.asymmetric import rsa


class RsaCertificate(RTCCertificate):
    """As its base, but for the key, and the cipher suites that go with it."""

    @classmethod
    def generateCertificate(cls):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return cls(key=key, cert=generate_certificate(key))

    def _create_ssl_context(self, srtp_profiles):
        context = super()._create_ssl_context(srtp_profiles)
        context.set_cipher_list(b"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-SHA")
        return context


def use():
    """From now on connections have such certificates."""
    aiortc.rtcpeerconnection.RTCCertificate = RsaCertificate
