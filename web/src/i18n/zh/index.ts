import { booking } from './booking'
import { call } from './call'
import { common } from './common'
import { desk } from './desk'
import { errors } from './errors'
import { exam } from './exam'
import { nurse } from './nurse'
import { patient } from './patient'
import { pharmacy } from './pharmacy'
import { proof } from './proof'
import { room } from './room'
import { rx } from './rx'

export const zh = { ...common, ...errors, ...patient, ...call, ...room, ...desk, ...nurse, ...booking, ...exam, ...rx, ...pharmacy, ...proof } as const
