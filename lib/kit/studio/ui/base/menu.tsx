/// <reference lib="dom" />
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./icons.js";

/** A button that opens a short list of things to do; Escape and a click elsewhere close it. */
export function Menu({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const [isOpen, setOpen] = useState(false);
  // Before the next key, which may be Escape.
  useLayoutEffect(() => {
    const { current } = box;
    if (!isOpen || !current) return undefined;
    const elsewhere = ({ target }: Event) => {
      if (!current.contains(target as Node)) setOpen(false);
    };
    const chosen = ({ target }: Event) => {
      if ((target as HTMLElement).closest(".menu-list > :is(a, button)")) setOpen(false);
    };
    const leave = ({ key }: KeyboardEvent) => {
      if (key !== "Escape") return;
      setOpen(false);
      button.current?.focus();
    };
    addEventListener("pointerdown", elsewhere);
    addEventListener("focusin", elsewhere);
    current.addEventListener("click", chosen);
    current.addEventListener("keydown", leave);
    return () => {
      removeEventListener("pointerdown", elsewhere);
      removeEventListener("focusin", elsewhere);
      current.removeEventListener("click", chosen);
      current.removeEventListener("keydown", leave);
    };
  }, [isOpen]);
  return (
    <div class="menu" ref={box}>
      <button
        ref={button}
        type="button"
        class="bare"
        aria-label={label}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <Icon name="more" />
      </button>
      {isOpen && <div class="menu-list">{children}</div>}
    </div>
  );
}
