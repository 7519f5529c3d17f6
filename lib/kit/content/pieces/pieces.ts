import type { PieceName } from "../model/inputs.js";
import { blog } from "./blog.js";
import { doc } from "./doc.js";
import { linkedin } from "./linkedin.js";
import type { PieceDefinition } from "./piece.js";
import { slides } from "./slides.js";
import { video } from "./video.js";

/** All kinds of written pieces. A new one is a file here, and its name among the `PIECE_KINDS` of milestones. */
export const PIECES: Readonly<Record<PieceName, PieceDefinition>> = { doc, blog, linkedin, video, slides };
