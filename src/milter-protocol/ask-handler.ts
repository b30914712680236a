import type { Command } from "./command.ts";
import type { Answer, EndOfMessageAnswer, MilterHandler } from "./handler.ts";
import type { Macros } from "./macros.ts";
import { CONTINUE } from "./response.ts";

/** Calls the handler's method for a command. Commands without a method are answered "continue". */
export function askHandler(
  handler: MilterHandler,
  command: Command,
  macros: Macros,
): Answer | EndOfMessageAnswer {
  switch (command.kind) {
    case "connect":
      return handler.connect(command, macros);
    case "helo":
      return handler.helo(command.name, macros);
    case "mail":
      return handler.mail(command.path, command.parameters, macros);
    case "rcpt":
      return handler.rcpt(command.path, command.parameters, macros);
    case "header":
      return handler.header(command.name, command.value);
    case "endOfMessage":
      return handler.endOfMessage(macros);
    default:
      return CONTINUE;
  }
}
