/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { render } from "preact";
import { App } from "./app.js";
import { startTheme } from "./base/theme.js";

startTheme();
render(<App />, document.body);
