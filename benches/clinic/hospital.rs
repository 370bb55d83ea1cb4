//! A hospital with as many clinics, desks and waiting patients as a bench wants; all came in by the services.

use std::net::Ipv4Addr;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use yunzhen::bus::Bus;
use yunzhen::clock::{Clock, Ids};
use yunzhen::domain::consent;
use yunzhen::domain::desk::DeskPhase;
use yunzhen::domain::identity::DocumentKind;
use yunzhen::domain::ids::{AccountId, ClinicId, DeskId, SessionId, TicketId};
use yunzhen::domain::people::{Relation, Role};
use yunzhen::domain::permission::Actor;
use yunzhen::domain::room::relay::RelayCommand;
use yunzhen::protocol::auth::{CodeRequest, CodeVerify, Locale};
use yunzhen::protocol::intake::{ConsentDecision, DeclarationBegin, DeclarationSave, IdentityRequest};
use yunzhen::protocol::ticket::{TicketRequest, Versioned};
use yunzhen::services::desk::DeskAct;
use yunzhen::services::hospital::seed::DEMO_LINK;
use yunzhen::services::live::Live;
use yunzhen::services::sms::Sms;
use yunzhen::services::work::Command;
use yunzhen::services::{Parts, Services};
use yunzhen::store::{AccountRow, ClinicRow, CredentialRow, Db, DeskRow};

/// What the keys of a bench's hospital are derived from.
pub const SECRET: &str = "a bench has no patients, and this secret guards nothing";

/// Services over a database, with the demonstration's hospital in it.
pub struct Hospital {
    /// The use cases.
    pub services: Arc<Services>,
    /// What is behind them.
    pub db: Db,
    fever: ClinicRow,
    doctor: AccountRow,
    /// People who came so far.
    people: u32,
}

/// An open desk and its doctor.
#[derive(Clone, Copy)]
pub struct Desk {
    /// The desk.
    pub id: DeskId,
    /// Its doctor.
    pub doctor: Actor,
}

/// Somebody who waits.
#[derive(Clone)]
pub struct Patient {
    /// An access token, good for ten minutes.
    pub token: String,
    /// The place in the queue.
    pub ticket: TicketId,
}

impl Hospital {
    /// Opens a hospital in a fresh database.
    pub async fn open(db: Db) -> Self {
        db.migrate().await.unwrap();
        let clock = Clock::System;
        let config = json!({
            "http_addr": "127.0.0.1:0", "media_addr": "127.0.0.1:0", "data_dir": "unused", "log": "off"
        });
        let mut config: yunzhen::config::Config = serde_json::from_value(config).unwrap();
        // The code is told to whoever asked for it, instead of to a telephone.
        config.demo = true;
        let (relay, mut commands) = mpsc::channel::<RelayCommand>(64);
        // No media: whatever a room asks of the relay is heard and done.
        tokio::spawn(async move { while commands.recv().await.is_some() {} });
        let live = Live::new(relay, TaskTracker::new(), clock.clone());
        let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let archive = yunzhen::services::recordings::open_archive(Some("memory:///"), &[], std::path::Path::new(""))
            .expect("memory");
        let parts = Parts { bus: Bus::local(), live, archive, sms: Sms::memory(), tasks, shutdown };
        let ids = Ids::system(clock.clone());
        let services = Arc::new(Services::new(db.clone(), clock, ids, config, SECRET.as_bytes(), parts));
        services.seed_demo(90, yunzhen::services::hospital::seed::DemoHours::Always).await.unwrap();
        let mut tx = db.read().await.unwrap();
        let fever = tx.clinics().by_link(DEMO_LINK).await.unwrap().unwrap();
        let doctor = tx.accounts().by_username("doctor").await.unwrap().unwrap();
        drop(tx);
        Self { services, db, fever, doctor, people: 0 }
    }

    /// The clinic of the demonstration.
    pub fn fever(&self) -> ClinicRow {
        self.fever.clone()
    }

    /// One more clinic like it.
    pub async fn clinic(&self) -> ClinicRow {
        let id = self.services.ids.make(ClinicId::from_uuid);
        let row = ClinicRow { id, code: id.to_string(), link_token: id.to_string(), ..self.fever.clone() };
        let mut tx = self.db.begin().await.unwrap();
        tx.clinics().insert(&row).await.unwrap();
        tx.commit().await.unwrap();
        row
    }

    /// One more desk of a clinic, with a doctor of its own, open.
    pub async fn desk(&self, clinic: ClinicId) -> Desk {
        let ids = &self.services.ids;
        let account = ids.make(AccountId::from_uuid);
        let row = AccountRow { id: account, username: account.to_string(), ..self.doctor.clone() };
        let id = ids.make(DeskId::from_uuid);
        let desk = DeskRow {
            id,
            institution_id: row.institution_id,
            clinic_id: clinic,
            name_zh: "诊位".to_owned(),
            name_en: "Desk".to_owned(),
            state: DeskPhase::Closed,
            lost_as: None,
            account_id: None,
            lease_until: None,
            paused_until: None,
            last_call_at: None,
            version: 1,
        };
        let mut tx = self.db.begin().await.unwrap();
        tx.accounts().insert(&row).await.unwrap();
        let papers = tx.credentials().of(self.doctor.id).await.unwrap().expect("the demonstration's doctor has them");
        tx.credentials().record(&CredentialRow { account_id: account, ..papers }).await.unwrap();
        tx.desks().insert(&desk).await.unwrap();
        tx.commit().await.unwrap();
        let (institution, session) = (row.institution_id, ids.make(SessionId::from_uuid));
        let doctor = Actor::Staff { account, institution, role: Role::Doctor, session };
        let act = doctor.doctor().unwrap();
        self.services.set_desk(act, id, DeskAct::Open, &Command::once(doctor)).await.unwrap();
        Desk { id, doctor }
    }

    /// The next patient comes in by a clinic's link: code, identity, consents, declaration, number.
    pub async fn patient(&mut self, link: &str) -> Patient {
        let n = self.people;
        self.people += 1;
        let services = &self.services;
        let (link, phone) = (link.to_owned(), format!("138{n:08}"));
        let request = CodeRequest { link: link.clone(), phone: phone.clone(), locale: Locale::Chinese };
        // A network of one's own: the limit of one address is not what is measured.
        let sent = services.request_code(request, Ipv4Addr::from(n).into()).await.unwrap();
        let (challenge, code) = (sent.challenge, sent.demo_code.unwrap());
        let verify = CodeVerify { link: link.clone(), phone, challenge, code, locale: None };
        let token = services.verify_code(verify, "bench").await.unwrap().access_token;
        let (actor, _) = services.authenticate(&token).await.unwrap().unwrap();
        let (act, once) = (actor.holder().unwrap(), Command::once(actor));
        let identity = IdentityRequest {
            name: "演示患者甲".to_owned(),
            document: DocumentKind::ResidentCard,
            number: card(n),
            birth_date: None,
            sex: None,
            relation: Relation::Myself,
        };
        let patient = services.name_patient(act, identity, &once).await.unwrap().id;
        for text in consent::in_force() {
            let decision = ConsentDecision { kind: text.kind, version: text.version.clone(), granted: true };
            services.decide(act, patient, decision, &once).await.unwrap();
        }
        let begun = services.begin_declaration(act, DeclarationBegin { patient, link }, &once).await.unwrap();
        let save = DeclarationSave { version: begun.version, answers: serde_json::from_str(ANSWERS).unwrap() };
        let saved = services.save_declaration(act, begun.id, save, &once).await.unwrap();
        let version = Versioned { version: saved.version };
        services.submit_declaration(act, begun.id, version, &once).await.unwrap();
        let ticket = TicketRequest { declaration: begun.id, check: None };
        let ticket = services.take_ticket(act, ticket, &once).await.unwrap().id;
        Patient { token, ticket }
    }
}

/// A resident card's number that passes GB 11643-1999: a man for each `n` below 14,000.
fn card(n: u32) -> String {
    let body = format!("110101196603{:02}{:03}", 1 + n / 500, 1 + 2 * (n % 500));
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = body.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let check = char::from(b"10X98765432"[sum as usize % 11]);
    format!("{body}{check}")
}

/// A grown-up with a fever for two days and nothing worse.
const ANSWERS: &str = r#"{
    "co.reason": "fever", "co.visit": "advice",
    "sx.fever": true, "sx.temp": 38.2, "sx.temp.site": "armpit", "fev.days": 2, "sx.heat": false, "sx.cough": "dry",
    "sx.dysp": "none", "sx.chest": false, "sx.lips": false, "sx.mind": false, "sx.skin": false, "sx.urine": false,
    "sx.seiz": false, "sx.neck": false, "sx.other": ["sore_throat"], "sx.vomit": "none", "sx.intake": "normal",
    "sx.worse": "same", "sx.self": false, "vs.spo2": 97, "vs.rr": 18, "vs.hr": 88,
    "epi.1": false, "epi.2": false, "epi.3": false, "epi.4": false, "epi.5": false, "epi.code": "green", "epi.6": "no",
    "rf.dis": ["none"], "rf.imm": false, "rf.med": ["none"], "rf.allergy": "无", "rf.alone": false, "rf.room": true,
    "id.addr.area": "演示区", "id.addr.street": "演示街道", "id.addr.door": "1幢101室", "loc.now": true,
    "id.emerg.name": "演示家属", "id.emerg.phone": "13900000000", "su.promise": true
}"#;
