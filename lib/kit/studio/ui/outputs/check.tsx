import type { Records } from "../notebook/records.js";

/** What the check of an exercise says: whether it is solved, and what is off. */
export function CheckCard({ check }: { readonly check: Records["check"] }) {
  const { name, state, message } = check;
  const isUntouched = / is not written yet$/.test(message);
  const words =
    state === "open"
      ? isUntouched
        ? "Not begun"
        : "Not yet"
      : state === "solved"
        ? "Solved"
        : "The reference solution passes";
  return (
    <div class={`output check ${state}`} role={state === "open" ? undefined : "status"}>
      <p>
        <strong>{words}</strong> <code>{name}</code>
      </p>
      {state === "open" && <p class="off">{message}</p>}
    </div>
  );
}
