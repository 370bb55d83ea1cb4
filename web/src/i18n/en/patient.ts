import type { Message } from '..'
import type { patient as zh } from '../zh/patient'

export const patient: Readonly<Record<keyof typeof zh, Message>> = {}
