import { useWatched, Watched } from "./watched.js";

interface Notice {
  readonly id: number;
  readonly kind: "info" | "trouble";
  readonly text: string;
}

const notices = new Watched<readonly Notice[]>([]);
let last = 0;

/** Says something at the foot of the page; what went wrong stays until it is closed. */
export function notify(text: string, kind: Notice["kind"] = "info"): void {
  const notice = { id: ++last, kind, text };
  notices.value = [...notices.value.filter((each) => each.text !== text), notice].slice(-3);
  if (kind === "info") setTimeout(() => dismiss(notice.id), 5000);
}

function dismiss(id: number): void {
  notices.value = notices.value.filter((each) => each.id !== id);
}

export function Notices() {
  const shown = useWatched(notices);
  return (
    <div class="notices" role="status" aria-live="polite">
      {shown.map(({ id, kind, text }) => (
        <div key={id} class={`notice ${kind}`}>
          <p>{text}</p>
          <button type="button" onClick={() => dismiss(id)}>
            Close
          </button>
        </div>
      ))}
    </div>
  );
}
