/// <reference lib="dom" />
import { render } from "preact";

render(<main id="studio">SoloLakehouse Studio</main>, document.body);
