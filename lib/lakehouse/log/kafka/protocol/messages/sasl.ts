/** Who it is. */
import { api } from "../api.js";
import { array, bytes, int16, int64, string } from "../fields.js";

export const saslHandshake = api({
  name: "SaslHandshake",
  key: 17,
  versions: "0-1",
  request: {
    mechanism: string(),
  },
  response: {
    errorCode: int16(),
    mechanisms: array(string()),
  },
});

export const saslAuthenticate = api({
  name: "SaslAuthenticate",
  key: 36,
  versions: "0-2",
  flexible: "2+",
  request: {
    authBytes: bytes(),
  },
  response: {
    errorCode: int16(),
    errorMessage: string().nullable(),
    authBytes: bytes(),
    sessionLifetimeMs: int64("1+").or(0n),
  },
});
