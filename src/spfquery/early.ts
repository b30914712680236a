/** The first module of spfquery: SIGUSR1 does not open Node's debugger. */
import { keepDebuggerClosed } from "../process/signals.ts";

keepDebuggerClosed();
