// The presenter's view of the talk: the slide, the next one, what to say and a clock; and a window that shows slides alone.
// The page is the view: its parts are put in other places, so that nothing is said twice.
const form = document.getElementById("present");
const stage = document.querySelector(".stage");
const beats = [...document.querySelectorAll(".beat")];
const isAudience = location.hash === "#audience";
const body = document.body.classList;

let minutes = 10;
let at = 0;
/** When the clock was started last, and what it had counted before, in ms. */
let since;
let counted = 0;
let audience;
let ticking;

/** The slides of the chosen length: a cover, then those that have times. */
const shown = () =>
  beats.filter((beat, index) => index === 0 || beat.dataset[`from-${minutes}`] !== undefined);
const seconds = (beat, which) => Number(beat.getAttribute(`data-${which}-${minutes}`) ?? 0);
const elapsed = () => (counted + (since === undefined ? 0 : Date.now() - since)) / 1000;
const clock = (time) => `${Math.floor(time / 60)}:${String(Math.floor(time % 60)).padStart(2, "0")}`;

/** All of the page that is not the view: out of reach while somebody presents. */
function others() {
  const found = [];
  for (let part = stage.parentElement; part !== document.body; part = part.parentElement)
    found.push(...[...part.parentElement.children].filter((each) => each !== part));
  return found;
}
const setView = (on, name) => {
  body.toggle(name, on);
  for (const part of others()) part.inert = on;
};

function show(index) {
  const slides = shown();
  at = Math.min(slides.length - 1, Math.max(0, index));
  for (const beat of beats) {
    beat.classList.toggle("now", beat === slides[at]);
    beat.classList.toggle("next", beat === slides[at + 1]);
    beat.querySelector(".slide").toggleAttribute("inert", beat === slides[at + 1]);
  }
  const notes = slides[at].querySelector(".notes");
  notes.tabIndex = 0;
  notes.scrollTop = 0;
  audience?.postMessage({ talk: beats.indexOf(slides[at]) }, "*");
  tick();
}

function tick() {
  const beat = shown()[at];
  const now = elapsed();
  stage.querySelector(".elapsed").textContent = clock(now);
  const [from, to] = [seconds(beat, "from"), seconds(beat, "to")];
  stage.querySelector(".planned").textContent =
    at === 0 ? `of ${minutes}:00` : `of ${minutes}:00, this slide from ${clock(from)} to ${clock(to)}`;
  const off = now > to ? now - to : now < from ? now - from : 0;
  const pace = stage.querySelector(".pace");
  const words = at === 0 ? "" : off > 0 ? `${clock(off)} late` : off < 0 ? `${clock(-off)} early` : "in time";
  if (pace.textContent !== words) pace.textContent = words;
  pace.classList.toggle("late", off > 0);
  stage.querySelector("[data-do=pause]").textContent =
    since === undefined ? "Start the clock" : "Stop the clock";
}

function run(on) {
  if (on === (since !== undefined)) return;
  if (on) since = Date.now();
  else {
    counted += Date.now() - since;
    since = undefined;
  }
  tick();
}

const ACTIONS = {
  next() {
    if (at === 0) run(true);
    show(at + 1);
  },
  back: () => show(at - 1),
  first: () => show(0),
  last: () => show(beats.length),
  pause: () => run(since === undefined),
  restart() {
    counted = 0;
    since = since === undefined ? undefined : Date.now();
    tick();
  },
  audience() {
    audience = open("#audience", "talk-audience", "popup,width=1280,height=720");
  },
  end() {
    run(false);
    clearInterval(ticking);
    audience?.close();
    setView(false, "presenting");
    stage.hidden = true;
    for (const part of document.querySelectorAll("[data-least]")) part.hidden = false;
    for (const beat of beats) {
      beat.classList.remove("now", "next");
      beat.querySelector(".notes").removeAttribute("tabindex");
      beat.querySelector(".slide").removeAttribute("inert");
    }
    form.querySelector("button").focus();
  },
};
const KEYS = {
  ArrowRight: "next",
  ArrowDown: "next",
  PageDown: "next",
  " ": "next",
  ArrowLeft: "back",
  ArrowUp: "back",
  PageUp: "back",
  Home: "first",
  End: "last",
  p: "pause",
  r: "restart",
  a: "audience",
  Escape: "end",
};

form.addEventListener("submit", (event) => {
  event.preventDefault();
  minutes = Number(new FormData(form).get("minutes"));
  counted = 0;
  since = undefined;
  for (const part of document.querySelectorAll("[data-least]"))
    part.hidden = Number(part.dataset.least) > minutes;
  setView(true, "presenting");
  stage.hidden = false;
  show(0);
  ticking = setInterval(tick, 250);
  stage.querySelector("[data-do=next]").focus();
});
for (const button of stage.querySelectorAll("[data-do]"))
  button.addEventListener("click", () => ACTIONS[button.dataset.do]());
addEventListener("keydown", (event) => {
  const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  const isOurs = body.contains("presenting") && !event.ctrlKey && !event.metaKey && !event.altKey;
  // A button that has the focus is pressed by the space bar, as buttons are.
  if (!action || !isOurs || (event.key === " " && event.target.closest("button"))) return;
  event.preventDefault();
  ACTIONS[action]();
});

// The window for the audience shows what the one that opened it says, and asks for that when it is there.
if (isAudience) {
  setView(true, "audience");
  beats[0].classList.add("now");
  opener?.postMessage({ talk: "ready" }, "*");
}
addEventListener("message", ({ source, data }) => {
  if (isAudience && source === opener && beats[data?.talk])
    for (const [index, beat] of beats.entries()) beat.classList.toggle("now", index === data.talk);
  if (!isAudience && source === audience && data?.talk === "ready") show(at);
});
