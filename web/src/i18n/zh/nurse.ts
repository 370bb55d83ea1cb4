export const nurse = {} as const
