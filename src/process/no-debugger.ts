/** The first module of a program that ends by itself: SIGUSR1 does not open Node's debugger. */
import { keepDebuggerClosed } from "./signals.ts";

keepDebuggerClosed();
