/** Environment variables; an absent one is undefined. */
export type Environment = Readonly<Record<string, string | undefined>>;
