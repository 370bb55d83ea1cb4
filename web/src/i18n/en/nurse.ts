import type { Message } from '..'
import type { nurse as zh } from '../zh/nurse'

export const nurse: Readonly<Record<keyof typeof zh, Message>> = {}
