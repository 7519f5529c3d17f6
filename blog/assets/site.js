// Adds what reading does not need: theme, copy buttons, search. Loaded late, asks no other host for anything.
const root = new URL(document.currentScript.dataset.root, location.href);
document.documentElement.classList.add("js");

document.querySelector("[data-theme-toggle]")?.addEventListener("click", () => {
  const set = document.documentElement.dataset;
  const dark = set.theme ? set.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  set.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("theme", set.theme);
  } catch {
    // Without storage the choice lasts for this page.
  }
});

for (const block of document.querySelectorAll(".code")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    const code = block.querySelector("code").cloneNode(true);
    for (const prompt of code.querySelectorAll(".prompt, .comment")) prompt.remove();
    await navigator.clipboard.writeText(code.textContent.replace(/[ \t]+$/gm, ""));
    button.textContent = "Copied";
    setTimeout(() => {
      button.textContent = "Copy";
    }, 1500);
  });
  block.append(button);
}

// Slides fill the screen one by one; arrow keys, space and page keys turn them.
const deck = document.querySelector(".deck");
const slides = [...(deck?.querySelectorAll(".slide") ?? [])];
const STEPS = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
document.querySelector("[data-present]")?.addEventListener("click", async () => {
  await deck.requestFullscreen();
  deck.focus();
});
addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  if (!step || !deck || document.fullscreenElement !== deck) return;
  event.preventDefault();
  const at = Math.round(deck.scrollTop / deck.clientHeight) + step;
  slides[Math.min(slides.length - 1, Math.max(0, at))].scrollIntoView({ behavior: "instant" });
});

// A link to something folded opens it.
function reveal() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let at = target; at; at = at.parentElement) if (at.localName === "details") at.open = true;
  if (target) target.scrollIntoView();
}
addEventListener("hashchange", reveal);
if (location.hash) reveal();

// The list of milestones stands open beside the text, and folds above it.
const side = document.querySelector(".side");
const wide = matchMedia("(min-width: 64rem)");
const place = () => side.toggleAttribute("open", wide.matches);
wide.addEventListener("change", place);
place();

const dialog = document.querySelector("dialog.search");
const input = dialog.querySelector("input");
const results = dialog.querySelector(".results");
const status = dialog.querySelector(".status");
let loading;
let asked = 0;

// The index is fetched once, when search is first opened; what is typed meanwhile waits for it.
function engine() {
  loading ??= import(new URL("pagefind/pagefind.js", root).href).then(async (pagefind) => {
    await pagefind.init();
    return pagefind;
  });
  return loading;
}

function openSearch() {
  dialog.showModal();
  input.select();
  engine().catch(() => {
    loading = undefined;
    status.textContent =
      location.protocol === "file:"
        ? "Search needs a server, even a small one. Run: slh content serve"
        : "Search could not be loaded.";
  });
}

async function search() {
  const turn = ++asked;
  const query = input.value.trim();
  if (query === "") {
    results.replaceChildren();
    status.textContent = "";
    return;
  }
  const pagefind = await engine();
  const found = await pagefind.debouncedSearch(query, {}, 120);
  if (!found || turn !== asked) return;
  const pages = await Promise.all(found.results.slice(0, 8).map((result) => result.data()));
  if (turn !== asked) return;
  status.textContent = pages.length === 0 ? `Nothing on “${query}”.` : "";
  results.replaceChildren(
    ...pages.map((page) => {
      const link = document.createElement("a");
      link.href = new URL(page.raw_url.replace(/^\//, ""), root).href;
      const title = document.createElement("strong");
      title.textContent = page.meta.title;
      const excerpt = document.createElement("span");
      excerpt.innerHTML = page.excerpt;
      link.append(title, excerpt);
      const item = document.createElement("li");
      item.append(link);
      return item;
    }),
  );
}

document.querySelector("[data-search]")?.addEventListener("click", openSearch);
input.addEventListener("input", search);
dialog.querySelector("form").addEventListener("submit", (event) => {
  const first = results.querySelector("a");
  if (event.submitter === null && first) {
    event.preventDefault();
    location.href = first.href;
  }
});
addEventListener("keydown", (event) => {
  const typing =
    event.target instanceof Element && event.target.closest("input, textarea, [contenteditable]");
  if ((event.key === "/" && !typing) || (event.key === "k" && (event.metaKey || event.ctrlKey))) {
    event.preventDefault();
    openSearch();
  }
});
