//! Who may do what: total functions from a subject to the right to act.
//!
//! A use case asks for a right as a parameter (`DoctorAct`, `HolderAct` …). There is no other way to make one than from
//! a verified [`Actor`], so a handler that compiles has asked.

use crate::domain::ids::{AccountId, AlarmId, HolderId, InstitutionId, InvitationId, SessionId};
use crate::domain::people::Role;

/// A subject whose token was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A member of staff.
    Staff {
        /// The account.
        account: AccountId,
        /// Its institution.
        institution: InstitutionId,
        /// Its role.
        role: Role,
        /// The session behind the token.
        session: SessionId,
    },
    /// The owner of a telephone number.
    Holder {
        /// The holder.
        holder: HolderId,
        /// The institution whose link was opened.
        institution: InstitutionId,
        /// The session behind the token.
        session: SessionId,
    },
    /// An unnamed caller of one emergency line.
    Caller {
        /// The alarm, and nothing else.
        alarm: AlarmId,
        /// Its institution.
        institution: InstitutionId,
        /// The session behind the token.
        session: SessionId,
    },
    /// Somebody who was invited into one room.
    Guest {
        /// The invitation, and nothing else.
        invitation: InvitationId,
        /// Its institution.
        institution: InstitutionId,
        /// The session behind the token.
        session: SessionId,
    },
}

/// The right of every member of staff: to see lists without clinical content, and to try the triage rules.
#[derive(Clone, Copy, Debug)]
pub struct StaffAct {
    /// Who acts.
    pub account: AccountId,
    /// Where.
    pub institution: InstitutionId,
    /// As what.
    pub role: Role,
    /// In which session.
    pub session: SessionId,
}

/// The right to see the queue, take alarms and change levels: nurses and doctors.
#[derive(Clone, Copy, Debug)]
pub struct TriageAct {
    /// Who acts.
    pub account: AccountId,
    /// Where.
    pub institution: InstitutionId,
    /// Nurse or doctor.
    pub role: Role,
}

/// The right to call patients and write records: doctors.
#[derive(Clone, Copy, Debug)]
pub struct DoctorAct {
    /// Who acts.
    pub account: AccountId,
    /// Where.
    pub institution: InstitutionId,
}

/// The right to judge and dispense prescriptions: pharmacists.
#[derive(Clone, Copy, Debug)]
pub struct PharmacistAct {
    /// Who acts.
    pub account: AccountId,
    /// Where.
    pub institution: InstitutionId,
}

/// The right to set up what the hospital offers, and to see to its proofs: administrators.
#[derive(Clone, Copy, Debug)]
pub struct AdministratorAct {
    /// Who acts.
    pub account: AccountId,
    /// Where.
    pub institution: InstitutionId,
}

/// The right to find a visit without its record, by what is on its paper: doctors and administrators.
#[derive(Clone, Copy, Debug)]
pub struct SearchAct {
    /// Who acts.
    pub account: AccountId,
    /// Where.
    pub institution: InstitutionId,
}

/// The right to say yes or no to another doctor's amendment of an archived record: doctors and administrators.
#[derive(Clone, Copy, Debug)]
pub struct AmendmentAct {
    /// Who acts.
    pub account: AccountId,
    /// Where.
    pub institution: InstitutionId,
}

/// The right to see what is owed to the authorities: doctors, nurses and administrators.
#[derive(Clone, Copy, Debug)]
pub struct DutyAct {
    /// Who acts.
    pub account: AccountId,
    /// Where.
    pub institution: InstitutionId,
}

/// The right of an invited person: one seat in one room.
#[derive(Clone, Copy, Debug)]
pub struct GuestAct {
    /// The invitation.
    pub invitation: InvitationId,
    /// Where.
    pub institution: InstitutionId,
}

/// The right of a telephone number's owner over the patients they answer for.
#[derive(Clone, Copy, Debug)]
pub struct HolderAct {
    /// Who acts.
    pub holder: HolderId,
    /// Where.
    pub institution: InstitutionId,
}

impl DoctorAct {
    /// A doctor may do what nurses may.
    pub fn triage(self) -> TriageAct {
        TriageAct { account: self.account, institution: self.institution, role: Role::Doctor }
    }
}

impl Actor {
    /// The tenant.
    pub fn institution(self) -> InstitutionId {
        match self {
            Self::Staff { institution, .. }
            | Self::Holder { institution, .. }
            | Self::Caller { institution, .. }
            | Self::Guest { institution, .. } => institution,
        }
    }

    /// The session behind the token.
    pub fn session(self) -> SessionId {
        match self {
            Self::Staff { session, .. }
            | Self::Holder { session, .. }
            | Self::Caller { session, .. }
            | Self::Guest { session, .. } => session,
        }
    }

    /// A stable name for idempotency and audit: kind and id.
    pub fn key(self) -> String {
        match self {
            Self::Staff { account, .. } => account.to_string(),
            Self::Holder { holder, .. } => holder.to_string(),
            Self::Caller { alarm, .. } => alarm.to_string(),
            Self::Guest { invitation, .. } => invitation.to_string(),
        }
    }

    /// The rights of staff.
    pub fn staff(self) -> Option<StaffAct> {
        match self {
            Self::Staff { account, institution, role, session } => {
                Some(StaffAct { account, institution, role, session })
            }
            Self::Holder { .. } | Self::Caller { .. } | Self::Guest { .. } => None,
        }
    }

    /// The rights of nurses and doctors.
    pub fn triage(self) -> Option<TriageAct> {
        self.staff().and_then(|StaffAct { account, institution, role, .. }| match role {
            Role::Doctor | Role::Nurse => Some(TriageAct { account, institution, role }),
            Role::Pharmacist | Role::Administrator => None,
        })
    }

    /// The rights of doctors.
    pub fn doctor(self) -> Option<DoctorAct> {
        self.staff().and_then(|StaffAct { account, institution, role, .. }| match role {
            Role::Doctor => Some(DoctorAct { account, institution }),
            Role::Nurse | Role::Pharmacist | Role::Administrator => None,
        })
    }

    /// The rights of pharmacists.
    pub fn pharmacist(self) -> Option<PharmacistAct> {
        self.staff().and_then(|StaffAct { account, institution, role, .. }| match role {
            Role::Pharmacist => Some(PharmacistAct { account, institution }),
            Role::Doctor | Role::Nurse | Role::Administrator => None,
        })
    }

    /// The rights of administrators.
    pub fn administrator(self) -> Option<AdministratorAct> {
        self.staff().and_then(|StaffAct { account, institution, role, .. }| match role {
            Role::Administrator => Some(AdministratorAct { account, institution }),
            Role::Doctor | Role::Nurse | Role::Pharmacist => None,
        })
    }

    /// The rights of whoever may find a visit.
    pub fn search(self) -> Option<SearchAct> {
        self.staff().and_then(|StaffAct { account, institution, role, .. }| match role {
            Role::Doctor | Role::Administrator => Some(SearchAct { account, institution }),
            Role::Nurse | Role::Pharmacist => None,
        })
    }

    /// The rights of whoever may let an archived record be amended.
    pub fn amendment(self) -> Option<AmendmentAct> {
        self.staff().and_then(|StaffAct { account, institution, role, .. }| match role {
            Role::Doctor | Role::Administrator => Some(AmendmentAct { account, institution }),
            Role::Nurse | Role::Pharmacist => None,
        })
    }

    /// The rights of whoever sees what is owed.
    pub fn duty(self) -> Option<DutyAct> {
        self.staff().and_then(|StaffAct { account, institution, role, .. }| match role {
            Role::Doctor | Role::Nurse | Role::Administrator => Some(DutyAct { account, institution }),
            Role::Pharmacist => None,
        })
    }

    /// The rights of a telephone number's owner.
    pub fn holder(self) -> Option<HolderAct> {
        match self {
            Self::Holder { holder, institution, .. } => Some(HolderAct { holder, institution }),
            Self::Staff { .. } | Self::Caller { .. } | Self::Guest { .. } => None,
        }
    }

    /// The rights of an invited person.
    pub fn guest(self) -> Option<GuestAct> {
        match self {
            Self::Guest { invitation, institution, .. } => Some(GuestAct { invitation, institution }),
            Self::Staff { .. } | Self::Holder { .. } | Self::Caller { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn staff(role: Role) -> Actor {
        let nil = Uuid::nil();
        Actor::Staff {
            account: AccountId::from_uuid(nil),
            institution: InstitutionId::from_uuid(nil),
            role,
            session: SessionId::from_uuid(nil),
        }
    }

    #[test]
    fn only_doctors_may_call_patients() {
        for role in Role::ALL {
            assert_eq!(staff(role).doctor().is_some(), role == Role::Doctor, "{role:?}");
        }
    }

    #[test]
    fn pharmacists_judge_and_administrators_administer_and_nobody_else() {
        for role in Role::ALL {
            assert_eq!(staff(role).pharmacist().is_some(), role == Role::Pharmacist, "{role:?}");
            assert_eq!(staff(role).administrator().is_some(), role == Role::Administrator, "{role:?}");
        }
    }

    #[test]
    fn doctors_and_administrators_let_an_archived_record_be_amended_and_nobody_else() {
        for role in Role::ALL {
            let may = matches!(role, Role::Doctor | Role::Administrator);
            assert_eq!(staff(role).amendment().is_some(), may, "{role:?}");
        }
    }

    #[test]
    fn only_nurses_and_doctors_may_change_levels() {
        for role in Role::ALL {
            assert_eq!(staff(role).triage().is_some(), matches!(role, Role::Doctor | Role::Nurse), "{role:?}");
        }
    }

    #[test]
    fn what_is_owed_is_seen_by_everybody_but_pharmacists() {
        for role in Role::ALL {
            assert_eq!(staff(role).duty().is_some(), role != Role::Pharmacist, "{role:?}");
        }
    }

    #[test]
    fn patients_have_no_right_of_staff_and_staff_none_of_patients() {
        let nil = Uuid::nil();
        let (institution, session) = (InstitutionId::from_uuid(nil), SessionId::from_uuid(nil));
        let holder = Actor::Holder { holder: HolderId::from_uuid(nil), institution, session };
        let caller = Actor::Caller { alarm: AlarmId::from_uuid(nil), institution, session };
        assert!(holder.staff().is_none() && caller.staff().is_none() && caller.holder().is_none());
        let guest = Actor::Guest { invitation: InvitationId::from_uuid(nil), institution, session };
        assert!(guest.staff().is_none() && guest.holder().is_none() && guest.guest().is_some());
        assert!(holder.guest().is_none() && caller.guest().is_none() && staff(Role::Doctor).guest().is_none());
        assert!(Role::ALL.into_iter().all(|role| staff(role).holder().is_none()));
    }
}
