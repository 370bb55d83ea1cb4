//! Who may do what in a call: total functions from a role, and from what a host decided, to rights.

use serde::{Deserialize, Serialize};

use crate::domain::room::relay::Permit;
use crate::domain::room::view::SelfMedia;

/// What a person is in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParticipantRole {
    /// The patient, or who answers for the patient.
    Patient,
    /// The doctor of the visit.
    Doctor,
    /// A nurse.
    Nurse,
    /// A doctor whom the doctor asked in.
    InvitedDoctor,
    /// Who speaks both languages.
    Interpreter,
    /// Who belongs to the patient.
    Family,
    /// Who only looks on, such as a student.
    Observer,
}

/// What a role may do in a call.
#[expect(clippy::struct_excessive_bools, reason = "rights, each free of the others")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Speak.
    pub microphone: bool,
    /// Be seen.
    pub camera: bool,
    /// Show the own screen.
    pub screen: bool,
    /// Let in, hold apart, mute, remove, ask for a picture.
    pub hosts: bool,
    /// Read and write the conversation beside the call.
    pub talks: bool,
}

/// What a host does with somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HostAct {
    /// Lets in who waits in front of the door.
    Admit,
    /// Holds somebody apart, who then neither hears nor sees nor is heard nor seen.
    Hold,
    /// Brings back who was held apart.
    Release,
    /// Silences somebody. Only the person can speak again.
    Mute,
    /// Takes an invited person out for good.
    Remove,
}

impl ParticipantRole {
    /// All roles in a room.
    pub const ALL: [Self; 7] = [
        Self::Patient,
        Self::Doctor,
        Self::Nurse,
        Self::InvitedDoctor,
        Self::Interpreter,
        Self::Family,
        Self::Observer,
    ];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Doctor => "doctor",
            Self::Nurse => "nurse",
            Self::InvitedDoctor => "invited_doctor",
            Self::Interpreter => "interpreter",
            Self::Family => "family",
            Self::Observer => "observer",
        }
    }

    /// What the role may do.
    pub const fn rights(self) -> Rights {
        let (microphone, camera, screen, hosts) = match self {
            Self::Doctor | Self::Nurse => (true, true, true, true),
            Self::InvitedDoctor => (true, true, true, false),
            Self::Patient | Self::Interpreter | Self::Family => (true, true, false, false),
            Self::Observer => (false, false, false, false),
        };
        let talks = !matches!(self, Self::Observer);
        Rights { microphone, camera, screen, hosts, talks }
    }

    /// Whether a person of this role comes by an invitation, and waits in front of the door.
    pub const fn is_invited(self) -> bool {
        matches!(self, Self::InvitedDoctor | Self::Interpreter | Self::Family | Self::Observer)
    }

    /// What the relay lets through for a person of this role.
    pub const fn permit(self, held: bool, muted: bool) -> Permit {
        let rights = self.rights();
        Permit {
            audio: rights.microphone && !held && !muted,
            camera: rights.camera && !held,
            screen: rights.screen && !held,
            receive: !held,
        }
    }

    /// What a person of this role can truly say of its own media.
    pub fn clamp(self, mut said: SelfMedia) -> SelfMedia {
        let rights = self.rights();
        said.microphone &= rights.microphone;
        said.camera &= rights.camera;
        said.test_picture &= rights.camera;
        said.screen &= rights.screen;
        said
    }
}

impl HostAct {
    /// All acts.
    pub const ALL: [Self; 5] = [Self::Admit, Self::Hold, Self::Release, Self::Mute, Self::Remove];

    /// The word in the audit log and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admit => "admit",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Mute => "mute",
            Self::Remove => "remove",
        }
    }

    /// Whether it takes something away. Such an act is done first and written after; one that gives is written first.
    pub const fn takes_away(self) -> bool {
        match self {
            Self::Hold | Self::Mute | Self::Remove => true,
            Self::Admit | Self::Release => false,
        }
    }

    /// Whether a host may do this with somebody of a role. Nobody does anything with a host; the patient's seat belongs to
    /// the visit, so a patient is held apart or the visit is ended, never removed.
    pub const fn may_be_done_with(self, role: ParticipantRole) -> bool {
        if role.rights().hosts {
            return false;
        }
        match self {
            Self::Admit | Self::Remove => role.is_invited(),
            Self::Hold | Self::Release | Self::Mute => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observer_sends_nothing_and_receives_everything() {
        let permit = ParticipantRole::Observer.permit(false, false);
        assert_eq!(permit, Permit { audio: false, camera: false, screen: false, receive: true });
        let said =
            SelfMedia { microphone: true, camera: true, screen: true, test_picture: true, ..SelfMedia::default() };
        assert_eq!(ParticipantRole::Observer.clamp(said), SelfMedia::default());
    }

    #[test]
    fn whoever_speaks_in_a_call_talks_beside_it_and_an_observer_does_neither() {
        for role in ParticipantRole::ALL {
            assert_eq!(role.rights().talks, role.rights().microphone, "{role:?}");
        }
    }

    #[test]
    fn interpreters_and_family_speak_and_are_seen_and_share_no_screen() {
        for role in [ParticipantRole::Interpreter, ParticipantRole::Family, ParticipantRole::Patient] {
            let permit = role.permit(false, false);
            assert_eq!(permit, Permit { audio: true, camera: true, screen: false, receive: true }, "{role:?}");
        }
    }

    #[test]
    fn whoever_is_held_apart_neither_sends_nor_receives_whatever_the_role() {
        for role in ParticipantRole::ALL {
            assert_eq!(role.permit(true, false), Permit::NOTHING, "{role:?}");
        }
    }

    #[test]
    fn a_muted_person_is_seen_and_not_heard() {
        let permit = ParticipantRole::Family.permit(false, true);
        assert!(!permit.audio && permit.camera && permit.receive);
    }

    #[test]
    fn only_doctor_and_nurse_host_and_only_invited_people_are_admitted_or_removed() {
        for role in ParticipantRole::ALL {
            let hosts = matches!(role, ParticipantRole::Doctor | ParticipantRole::Nurse);
            assert_eq!(role.rights().hosts, hosts, "{role:?}");
            for act in HostAct::ALL {
                let expected = !hosts && (role.is_invited() || !matches!(act, HostAct::Admit | HostAct::Remove));
                assert_eq!(act.may_be_done_with(role), expected, "{act:?} {role:?}");
            }
        }
    }
}
