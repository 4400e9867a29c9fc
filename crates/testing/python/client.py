"""The few requests of the Matrix client-server API that a caller makes, on the standard library's HTTP."""

import asyncio
import itertools
import json
import secrets
import urllib.error
import urllib.parse
import urllib.request


class MatrixError(Exception):
    """The homeserver answered with an error."""

    def __init__(self, what, status, body):
        super().__init__(f"{what}: {status} {body}")
        self.status = status


def quote(part):
    return urllib.parse.quote(part, safe="")


class MatrixClient:
    """One device. Requests run in threads, so that the caller's sound is not held up."""

    def __init__(self, homeserver, user_id, token):
        self.base = homeserver.rstrip("/") + "/_matrix/client/v3/"
        self.user_id, self.token = user_id, token
        self.numbers = itertools.count()
        self.nonce = secrets.token_hex(8)
        # No proxy of the environment: the homeserver is on this machine.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    async def request(self, method, path, body=None, timeout=60):
        return await asyncio.to_thread(self._request, method, path, body, timeout)

    def _request(self, method, path, body, timeout):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, headers=headers, method=method)
        try:
            with self.opener.open(request, timeout=timeout) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise MatrixError(f"{method} {path}", error.code, error.read().decode(errors="replace")) from None

    async def create_room(self, options):
        return (await self.request("POST", "createRoom", options))["room_id"]

    async def invite(self, room, user):
        await self.request("POST", f"rooms/{quote(room)}/invite", {"user_id": user})

    async def send_event(self, room, kind, content):
        transaction = f"{self.nonce}.{next(self.numbers)}"
        await self.request("PUT", f"rooms/{quote(room)}/send/{quote(kind)}/{transaction}", content)

    async def sync(self, since):
        """The first sync (`since` is None) returns at once, later ones when there is something, or after 10 s."""
        wanted = {"room": {"timeline": {"limit": 100}}, "presence": {"not_types": ["*"]}}
        query = {"timeout": 0 if since is None else 10_000, "filter": json.dumps(wanted)}
        if since is not None:
            query["since"] = since
        return await self.request("GET", "sync?" + urllib.parse.urlencode(query))
