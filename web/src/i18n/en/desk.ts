import type { Message } from '..'
import type { desk as zh } from '../zh/desk'

export const desk: Readonly<Record<keyof typeof zh, Message>> = {}
