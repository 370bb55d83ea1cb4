import type { Message } from '..'
import type { call as zh } from '../zh/call'

export const call: Readonly<Record<keyof typeof zh, Message>> = {}
