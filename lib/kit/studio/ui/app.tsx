/// <reference lib="dom" />
import { useEffect, useState } from "preact/hooks";
import type { MilestoneSummary, NotebookState } from "../contract.js";
import { Notices } from "./base/notices.js";
import { panel, panelFor, place } from "./base/place.js";
import { ask, inWords } from "./base/server.js";
import { useWatched } from "./base/watched.js";
import { Milestones } from "./frame/milestones.js";
import { Panel } from "./frame/panel.js";
import { Top } from "./frame/top.js";
import { OpenNotebook } from "./notebook/open.js";
import { ProgressKeeper } from "./notebook/progress.js";
import { Runner } from "./notebook/run.js";
import { type Studio, StudioContext } from "./notebook/studio.js";
import { TypeChecker } from "./notebook/type-checker.js";
import { Help } from "./step/help.js";
import { goTo } from "./step/keys.js";
import { NotebookView } from "./step/notebook.js";

/** The studio: milestones at the left, the notebook, and beside it what the reader wants to see. */
export function App() {
  const { milestone, cell } = useWatched(place);
  const shownPanel = useWatched(panel);
  const [milestones, setMilestones] = useState<readonly MilestoneSummary[]>([]);
  const [studio, setStudio] = useState<Studio | undefined>(undefined);
  const [trouble, setTrouble] = useState("");

  useEffect(() => {
    ask<readonly MilestoneSummary[]>("/studio/milestones").then(setMilestones, (error: unknown) =>
      setTrouble(inWords(error)),
    );
  }, []);

  const current = milestones.find(({ id }) => id === milestone);
  useEffect(() => {
    if (milestones.length === 0) return undefined;
    if (!current?.hasNotebook) {
      const first = milestones.find(({ hasNotebook }) => hasNotebook);
      if (!current && first) place.value = { milestone: first.id };
      return undefined;
    }
    let isGone = false;
    let opened: Studio | undefined;
    setStudio(undefined);
    setTrouble("");
    openStudio(current).then(
      (found) => {
        if (isGone) return found.notebook.close();
        opened = found;
        setStudio(found);
        document.title = `${current.label} ${current.title} · SoloLakehouse Studio`;
        const wanted = found.notebook.cell(place.value.cell ?? found.progress.value.cell ?? "");
        // The notebook is drawn by then. A frame later, a reader may have put the keyboard elsewhere.
        if (wanted) queueMicrotask(() => show(found, wanted.id));
      },
      (error: unknown) => setTrouble(inWords(error)),
    );
    return () => {
      isGone = true;
      opened?.notebook.close();
    };
  }, [milestones.length, current?.id]);

  useEffect(() => {
    if (studio && cell) show(studio, cell);
  }, [cell]);

  useEffect(() => {
    const leave = (event: BeforeUnloadEvent) => {
      if (!studio || studio.notebook.save.value === "saved") return;
      void studio.notebook.saveNow();
      event.preventDefault();
    };
    const hide = () => {
      if (document.visibilityState === "hidden") void studio?.notebook.saveNow();
    };
    addEventListener("beforeunload", leave);
    document.addEventListener("visibilitychange", hide);
    return () => {
      removeEventListener("beforeunload", leave);
      document.removeEventListener("visibilitychange", hide);
    };
  }, [studio]);

  return (
    <StudioContext.Provider value={studio}>
      <a class="skip" href="#work">
        Skip to the notebook
      </a>
      <Top current={current} />
      <div class={`frame with-${shownPanel}`}>
        <Milestones all={milestones} current={milestone} />
        <main id="work" tabIndex={-1}>
          {current && <Heading milestone={current} />}
          <div class="sheet">
            {trouble && (
              <div class="banner" role="alert">
                <p>{trouble}</p>
              </div>
            )}
            {studio ? (
              <NotebookView key={studio.notebook.milestone.id} />
            ) : (
              <Waiting current={current} trouble={trouble} />
            )}
          </div>
          {shownPanel !== "none" && studio && <Panel name={panelFor(shownPanel)} milestones={milestones} />}
        </main>
      </div>
      <Help />
      <Notices />
    </StudioContext.Provider>
  );
}

async function openStudio(milestone: MilestoneSummary): Promise<Studio> {
  const state = await ask<NotebookState>(`/studio/notebooks/${milestone.id}`);
  const notebook = new OpenNotebook(milestone, state);
  const progress = new ProgressKeeper(milestone.id, milestone.progress);
  const runner = new Runner(notebook, progress);
  await runner.resume();
  return { notebook, progress, runner, types: new TypeChecker(notebook) };
}

function show(studio: Studio, id: string): void {
  goTo(studio, studio.notebook.cell(id));
  document.querySelector(`[data-cell="${CSS.escape(id)}"]`)?.scrollIntoView({ block: "center" });
}

function Heading({ milestone: { label, title } }: { readonly milestone: MilestoneSummary }) {
  return (
    <h1 class="hidden">
      {label} {title}
    </h1>
  );
}

function Waiting({
  current,
  trouble,
}: {
  readonly current: MilestoneSummary | undefined;
  readonly trouble: string;
}) {
  if (trouble) return null;
  if (current && !current.hasNotebook)
    return (
      <div class="blank">
        <p class="lead">
          {current.label} {current.title}
        </p>
        <p>{current.oneLine}</p>
        <p>Its notebook is not written yet.</p>
      </div>
    );
  return (
    <div class="blank" role="status">
      <p>Opening …</p>
    </div>
  );
}
