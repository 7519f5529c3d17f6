/// <reference lib="dom" />
import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "../base/icons.js";
import { useWatched } from "../base/watched.js";
import { helpShown, SHORTCUTS } from "./keys.js";

/** The list of shortcuts. */
export function Help() {
  const isShown = useWatched(helpShown);
  const dialog = useRef<HTMLDialogElement>(null);
  // Before the next key, which may be the one that closes it.
  useLayoutEffect(() => {
    if (isShown) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isShown]);
  return (
    <dialog
      ref={dialog}
      class="help"
      aria-labelledby="help-title"
      onClose={() => {
        helpShown.value = false;
      }}
    >
      <header>
        <h2 id="help-title">Keyboard shortcuts</h2>
        <form method="dialog">
          <button type="submit" class="bare" aria-label="Close">
            <Icon name="close" size={16} />
          </button>
        </form>
      </header>
      {SHORTCUTS.map(([title, keys]) => (
        <section key={title}>
          <h3>{title}</h3>
          <dl>
            {keys.map(([key, does]) => (
              <div key={key}>
                <dt>
                  {key.split(" ").map((each, index) =>
                    each === "" ? (
                      <span key={index} class="or">
                        {" "}
                      </span>
                    ) : (
                      <kbd key={index}>{each}</kbd>
                    ),
                  )}
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </dialog>
  );
}
