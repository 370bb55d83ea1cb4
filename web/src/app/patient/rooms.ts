import type { ConsentRecord, RoomGrant } from '@/protocol/types'
import type { Session } from '../session'
import type { Known } from './flow'

interface Surroundings {
  known: Known
  session: Session
  /** The unnamed caller of the emergency line. */
  caller: Session
}

/** The rooms that a patient may enter, and by which session. */
export function createRooms({ known, session, caller }: Surroundings) {
  /** Who calls on the emergency line: the unnamed caller of the first page, or the patient whom triage found in danger. */
  function alarmSession(): Session {
    return caller.subject.value ? caller : session
  }
  return {
    alarmSession,
    visitGrant: (visit: string): Promise<RoomGrant> => session.http.post<RoomGrant>(`/visits/${visit}/grant`),
    alarmGrant: (alarm: string): Promise<RoomGrant> => alarmSession().http.post<RoomGrant>(`/alarms/${alarm}/grant`),
    checkGrant: (): Promise<RoomGrant> => session.http.post<RoomGrant>('/checks', {}),
    /** Takes the consent to be recorded back; the call goes on. */
    async stopRecording(visit: string): Promise<void> {
      known.decisions = [...known.decisions, await session.http.post<ConsentRecord>(`/visits/${visit}/recording/stop`)]
    },
  }
}
