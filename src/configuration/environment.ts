/** Environment variables by name, as a process receives them. Empty text counts as absent: compose files write it so. */
export type Environment = Readonly<Record<string, string | undefined>>
