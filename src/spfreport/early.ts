/** The first module of spfreport: SIGUSR1 does not open Node's debugger. */
import { keepDebuggerClosed } from "../process/signals.ts";

keepDebuggerClosed();
