/** What users may be named, and what their passwords may be made of. */
import { invalidArgument } from "../../errors.js";

const MOST_CHARACTERS = 255;
/** Nothing that SASLprep (RFC 4013) forbids or takes away: control and format characters, private and unassigned ones. */
const UNFIT = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\u1806]|\u034f|\p{Variation_Selector}/u;

/**
 * Some clients normalize texts by SASLprep before they use them, and Kafka's do not. Those that stay as they are mean the
 * same to all, and others could log in with one client and not with the next.
 */
function isPrepared(text: string): boolean {
  return text.normalize("NFKC") === text && !UNFIT.test(text);
}

/** @throws LakehouseError INVALID_ARGUMENT */
export function checkUserName(name: unknown): asserts name is string {
  const isFit =
    typeof name === "string" &&
    name !== "" &&
    name.length <= MOST_CHARACTERS &&
    name.trim() === name &&
    name !== "*" &&
    // It ends the name where HTTP is spoken.
    !name.includes(":") &&
    isPrepared(name);
  if (isFit) return;
  throw invalidArgument(
    "user",
    `A user cannot be named ${JSON.stringify(name)}.`,
    `Give a name of 1 to ${MOST_CHARACTERS} characters, without colons, control characters or spaces around it; letters and signs in their usual form.`,
  );
}

/** The error does not have the password. @throws LakehouseError INVALID_ARGUMENT */
export function checkPassword(password: unknown): asserts password is string {
  if (typeof password === "string" && password.length <= 1024 && password !== "" && isPrepared(password))
    return;
  throw invalidArgument(
    "password",
    "The password cannot be used: it is empty or very long, or has control characters, or letters in a form that clients would change.",
    "Give one of 1 to 1024 characters; letters, digits and signs of a keyboard all do.",
  );
}
