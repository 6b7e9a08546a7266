/** The list of runs: figures in the same words as everywhere else. */

import { tellFigures } from "../figures.js";

tellFigures();
