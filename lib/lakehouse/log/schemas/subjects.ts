/** Who may know of a subject: its schemas belong to its topic. */
import type { Caller } from "../security/caller.js";

/** The topic whose records a subject is about: `flights` of `flights-value`; of other names, the name itself. */
export function topicOfSubject(subject: string): string {
  return subject.replace(/-(key|value)$/, "");
}

export function seesSubject(caller: Caller, subject: string): boolean {
  return caller.may("describe", "topic", topicOfSubject(subject));
}
