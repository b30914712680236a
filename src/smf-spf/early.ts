/** The first module of smf-spf: from here on no signal ends it unasked, or opens Node's debugger. */
import { holdSignals } from "../process/signals.ts";

holdSignals();
