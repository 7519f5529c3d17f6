const PATHS = {
  run: <path d="M6 4.2v11.6l9.5-5.8z" class="solid" />,
  runAll: (
    <>
      <path d="M3.5 4.5v11l7-5.5z" class="solid" />
      <path d="M10.5 4.5v11l7-5.5z" class="solid" />
    </>
  ),
  stop: <rect x="5" y="5" width="10" height="10" rx="1.5" class="solid" />,
  restart: <path d="M15.7 8A6 6 0 1 0 16 10.5M16 4v4h-4" />,
  menu: <path d="M3 5.5h14M3 10h14M3 14.5h14" />,
  more: (
    <>
      <circle cx="4.5" cy="10" r="1.4" class="solid" />
      <circle cx="10" cy="10" r="1.4" class="solid" />
      <circle cx="15.5" cy="10" r="1.4" class="solid" />
    </>
  ),
  theme: (
    <>
      <circle cx="10" cy="10" r="7" />
      <path class="solid" d="M10 3a7 7 0 0 1 0 14z" />
    </>
  ),
  keyboard: (
    <>
      <rect x="2" y="5" width="16" height="10" rx="2" />
      <path d="M5 8.3h.01M8.3 8.3h.01M11.6 8.3h.01M15 8.3h.01M6 12h8" />
    </>
  ),
  refresh: <path d="M15.7 8A6 6 0 1 0 16 10.5M16 4v4h-4" />,
  close: <path d="m5 5 10 10M15 5 5 15" />,
  check: <path d="m4 10.5 4 4 8-9" />,
} as const;

export function Icon({ name, size = 18 }: { readonly name: keyof typeof PATHS; readonly size?: number }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" width={size} height={size} aria-hidden="true">
      {PATHS[name]}
    </svg>
  );
}
