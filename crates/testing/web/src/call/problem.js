// Why a browser gives no microphone or camera, in a word for programs.

/**
 * Names of getUserMedia's errors: https://www.w3.org/TR/mediacapture-streams/#dom-mediadevices-getusermedia
 *
 * @returns {"refused" | "missing" | "busy" | "unavailable"}
 */
export function problemOf(error) {
  switch (error?.name) {
    case "NotAllowedError":
    case "SecurityError":
      return "refused";
    case "NotFoundError":
    case "OverconstrainedError":
      return "missing";
    case "NotReadableError":
    case "AbortError":
      return "busy";
    default:
      return "unavailable";
  }
}
