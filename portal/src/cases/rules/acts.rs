//! The vocabulary of the state machine: what can be asked of a case, what then happened, and why
//! something was refused.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    accounts::UserId,
    cases::{CaseState, Outcome, Part},
    documents::DocumentId,
    organisations::OperatorId,
    procedures::SeatKind,
    signatures::consent::Given,
};

/// Something a person (or a meeting) does to a case. Who may do it is no matter of these rules:
/// [`crate::cases::access::may`].
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// The application is sent; its mandatory fields are all there by type.
    Send,
    /// Technical aid that the application names already; the Service convenes it after admission.
    NameAid {
        /// Whom.
        operator: OperatorId,
        /// As what.
        part: Part,
        /// The operator must take part (C-12).
        compulsory: bool,
    },
    /// The Service asks for missing documents.
    AskIntegration,
    /// The client answers.
    AnswerIntegration,
    /// The Service corrects the day on which the application was complete (C-11).
    CorrectCompleteDay {
        /// The right day.
        day: NaiveDate,
    },
    /// The Service admits; the procedure starts (R-CLAIM-16).
    Admit,
    /// The Service refuses the application.
    Reject,
    /// The Service assigns or replaces the conciliator (R-CASE-65).
    AssignConciliator {
        /// Who.
        conciliator: UserId,
    },
    /// An operator adheres.
    Adhere {
        /// Which.
        operator: OperatorId,
    },
    /// An operator declares that it does not adhere.
    Decline {
        /// Which.
        operator: OperatorId,
    },
    /// An operator's secretariat assigns or changes its delegate (R-CASE-19).
    AssignDelegate {
        /// Which.
        operator: OperatorId,
        /// Who; eligible by R-ROLE-18.
        delegate: UserId,
    },
    /// The conciliator lets another delegate of an operator sign the minutes (R-SIGN-33).
    SubstituteDelegate {
        /// Which.
        operator: OperatorId,
        /// Who; eligible by R-ROLE-18.
        delegate: UserId,
    },
    /// The convened operator asks for technical aid (R-CASE-22).
    RequestAid {
        /// Whom.
        operator: OperatorId,
        /// As what.
        part: Part,
        /// The operator must take part (C-12).
        compulsory: bool,
    },
    /// The Service convenes a requested technical aid (R-CASE-26).
    ConveneAid {
        /// Whom.
        operator: OperatorId,
    },
    /// The Service, or the conciliator who adjourns, fixes a meeting.
    Convene {
        /// When.
        starts_at: DateTime<Utc>,
    },
    /// The Service moves the fixed meeting (R-MEET-04).
    MoveMeeting {
        /// To when.
        starts_at: DateTime<Utc>,
    },
    /// The Service grants a postponement (R-CASE-53).
    GrantPostponement {
        /// Whose request.
        asked_by: Asker,
        /// When it was sent.
        asked_at: DateTime<Utc>,
        /// To when.
        starts_at: DateTime<Utc>,
    },
    /// The Service cancels the fixed meeting.
    CancelMeeting,
    /// The conciliator starts the meeting.
    StartMeeting,
    /// The meeting ends.
    EndMeeting,
    /// The conciliator records what a meeting came to (R-MEET-34).
    Conclude {
        /// What.
        outcome: Outcome,
        /// Start of that meeting: while another one is fixed, it decides nothing any more.
        meeting: DateTime<Utc>,
    },
    /// The minutes of an agreement or a withdrawal are frozen and go to signature.
    SendToSignature,
    /// The last signature is valid (R-SIGN-34).
    CompleteSignatures,
    /// Refused or expired, and not started again (R-SIGN-33).
    AbandonSignatures,
    /// The client withdraws.
    Withdraw,
    /// The Service extends the term (R-CASE-58).
    Extend {
        /// Calendar days.
        days: u16,
    },
    /// The Service decides a case whose term is over (R-CASE-63).
    DecideOverdue {
        /// Archive it instead of closing it as no agreement.
        archive: bool,
    },
    /// Closed for good.
    Close,
}

/// Who asks for a postponement; each may once (R-CASE-50).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asker {
    /// The activating party.
    Client,
    /// An operator.
    Operator(Part),
}

/// What happened: one entry of the case history each. Ids only, no names and no words of people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the past of the act of the same name")]
pub enum CaseEvent {
    Sent { complete_on: NaiveDate },
    IntegrationAsked { by: NaiveDate },
    IntegrationAnswered { complete_on: NaiveDate },
    CompleteDayCorrected { from: Option<NaiveDate>, to: NaiveDate },
    Admitted { deadline: NaiveDate },
    Rejected,
    ArchivedUnanswered,
    ConciliatorAssigned { conciliator: UserId, replaced: Option<UserId> },
    Adhered { operator: OperatorId, part: Part },
    Declined { operator: OperatorId, part: Part, breach: bool },
    DelegateAssigned { operator: OperatorId, delegate: UserId, replaced: Option<UserId> },
    AidRequested { operator: OperatorId, part: Part, compulsory: bool },
    AidConvened { operator: OperatorId, part: Part },
    MeetingConvened { starts_at: DateTime<Utc>, first: bool },
    MeetingMoved { from: DateTime<Utc>, to: DateTime<Utc> },
    MeetingPostponed { asked_by: Asker, from: DateTime<Utc>, to: DateTime<Utc> },
    MeetingCancelled { starts_at: DateTime<Utc> },
    MeetingStarted,
    MeetingHeld,
    Concluded { outcome: Outcome },
    SentToSignature,
    SignaturesCompleted,
    SignaturesAbandoned,
    Withdrawn,
    Extended { days: u16, deadline: NaiveDate },
    TermPassed { deadline: NaiveDate },
    OverdueDecided { archived: bool },
    FiledFromRoom { document: DocumentId },
    DigitalConsent { seat: SeatKind, consents: bool, given: Given },
    PutOnPaper,
    Closed,
}

/// Why an act was refused. The words are for the person who tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// §4.1 has no such transition.
    #[error("L'operazione non è possibile: la pratica è nello stato «{}».", .0.label())]
    WrongState(CaseState),
    /// No such operator in the case.
    #[error("L'operatore non partecipa a questa pratica.")]
    NotInCase,
    /// The operator is in the case already.
    #[error("L'operatore partecipa già a questa pratica.")]
    AlreadyInCase,
    /// R-CASE-14: the answer is given once.
    #[error("L'operatore si è già espresso sull'adesione.")]
    AlreadyAnswered,
    /// R-CASE-16.
    #[error("Prima di ogni altro atto l'operatore deve aderire alla procedura.")]
    AdhesionFirst,
    /// R-CASE-20, D-07.
    #[error("Il delegato può essere cambiato solo fino all'inizio dell'incontro.")]
    MeetingStarted,
    /// R-CASE-22.
    #[error("Per questo settore l'ausilio tecnico richiesto non è previsto.")]
    NoSuchAid,
    /// R-CASE-24, D-06.
    #[error(
        "La richiesta di ausilio tecnico va inviata almeno {0} giorni prima del primo incontro."
    )]
    AidTooLate(u16),
    /// R-CASE-26.
    #[error("L'ausilio tecnico non è ancora stato convocato.")]
    AidNotConvened,
    /// Convening needs a conciliator (§4.1).
    #[error("Prima di convocare l'incontro va assegnato il conciliatore.")]
    NoConciliator,
    /// One meeting at a time.
    #[error("È già fissato un incontro per questa pratica.")]
    MeetingPending,
    /// What ends a procedure waits for the end of its meeting.
    #[error("L'incontro è in corso: prima va concluso.")]
    MeetingRunning,
    /// §4.1: after a meeting, another one follows an adjournment only.
    #[error(
        "Un altro incontro si convoca solo dopo che il conciliatore ha verbalizzato il rinvio."
    )]
    NotAdjourned,
    /// §4.2: a side may still come.
    #[error("La mancata comparizione si verbalizza trascorsi {0} minuti dall'ora dell'incontro.")]
    NoShowTooEarly(u16),
    /// No meeting is fixed.
    #[error("Non è fissato alcun incontro.")]
    NoMeeting,
    /// R-MEET-06.
    #[error("La data dell'incontro è troppo vicina o già trascorsa.")]
    TooSoon,
    /// R-MEET-06.
    #[error("La data dell'incontro è oltre il termine della procedura.")]
    AfterDeadline,
    /// R-CASE-49, R-CASE-54, R-CASE-55.
    #[error("In questa pratica il rinvio non può essere chiesto.")]
    NoPostponement,
    /// R-CASE-50.
    #[error("Il rinvio può essere chiesto una sola volta.")]
    AlreadyPostponed,
    /// R-CASE-51, D-04.
    #[error("Il rinvio va chiesto almeno {0} giorni prima dell'incontro.")]
    PostponementTooLate(u16),
    /// R-CASE-52, D-05.
    #[error("La nuova data deve seguire quella dell'incontro di non più di {0} giorni.")]
    PostponementOutOfRange(u16),
    /// R-CASE-59, D-02.
    #[error("La proroga può essere chiesta solo dopo lo svolgimento del primo incontro.")]
    ExtensionTooEarly,
    /// R-CASE-61.
    #[error("La proroga è già stata concessa.")]
    AlreadyExtended,
    /// R-CASE-58, D-02.
    #[error("La proroga è di almeno 1 e non più di {0} giorni.")]
    ExtensionOutOfRange(u16),
    /// R-CASE-63.
    #[error("Il termine della procedura non è ancora trascorso.")]
    NotOverdue,
    /// That outcome is none of a meeting.
    #[error("L'esito indicato non è l'esito di un incontro.")]
    NoMeetingOutcome,
    /// C-11: not after today, not after admission.
    #[error("La data di completezza della domanda non può essere nel futuro.")]
    DayInFuture,
}
