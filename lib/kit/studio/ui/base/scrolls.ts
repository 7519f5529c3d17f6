/** What makes a box that scrolls reachable by the keyboard, and known by name to who cannot see it. */
export const scrolls = (label: string) => ({ role: "region" as const, "aria-label": label, tabIndex: 0 });
