//! What the layout shows around a page's content.

use crate::accounts::{Actor, Role};
use crate::bodies::Body;

/// Header, menu and notice of a page.
#[derive(Clone, Debug)]
pub struct Chrome {
    /// Name of the body.
    pub body: String,
    /// Name of the person; empty before signing in.
    pub user: String,
    /// Acting as.
    pub role: String,
    /// Menu.
    pub nav: Vec<NavLink>,
    /// Outside parties are played by the hub.
    pub demo: bool,
    /// What was just done, once.
    pub notice: Option<String>,
    /// The person's own page.
    pub own: &'static str,
    /// The page stands in a frame of another one: the room's side panel.
    pub framed: bool,
}

/// One entry of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NavLink {
    /// Where to.
    pub href: &'static str,
    /// Words.
    pub label: &'static str,
    /// The page is within it.
    pub current: bool,
}

impl Chrome {
    /// Before signing in.
    pub fn outside(body: &Body, demo: bool) -> Self {
        let (user, role, nav, notice) = (String::new(), String::new(), Vec::new(), None);
        Self { body: body.name.clone(), user, role, nav, demo, notice, own: "/", framed: false }
    }

    /// For a signed-in person on the page at `path`.
    pub fn of(body: &Body, actor: &Actor, path: &str, demo: bool, notice: Option<String>) -> Self {
        let nav = menu(actor.role)
            .iter()
            .map(|(href, label)| {
                let current = match *href {
                    "/" => path == "/",
                    // A meeting is an entry of the agenda.
                    "/agenda" => path.starts_with("/agenda") || path.starts_with("/incontri"),
                    href => path.starts_with(href),
                };
                NavLink { href, label, current }
            })
            .collect();
        Self {
            body: body.name.clone(),
            user: actor.name.clone(),
            role: actor.role.label().to_owned(),
            nav,
            demo,
            notice,
            own: if actor.role == Role::Guest { "/ospite" } else { "/profilo" },
            framed: false,
        }
    }
}

/// R-LOG-11: functions by profile.
fn menu(role: Role) -> &'static [(&'static str, &'static str)] {
    const HOME: (&str, &str) = ("/", "Home");
    const CASES: (&str, &str) = ("/pratiche", "Pratiche");
    const AGENDA: (&str, &str) = ("/agenda", "Agenda");
    const SIGNATURES: (&str, &str) = ("/firme", "Firme");
    const VERIFY: (&str, &str) = ("/verifica-firma", "Verifica firma");
    match role {
        Role::Administrator => &[HOME, ("/amministrazione/utenti", "Utenti"), VERIFY],
        Role::ContactOfficer => &[HOME, VERIFY],
        Role::Guest => &[],
        Role::ServiceSecretariat => {
            const POWERS: (&str, &str) = ("/poteri", "Poteri di firma");
            const ROOMS: (&str, &str) = ("/servizio/stanze", "Stanze");
            &[HOME, CASES, AGENDA, SIGNATURES, POWERS, ROOMS, VERIFY]
        }
        Role::Conciliator => &[HOME, CASES, AGENDA, SIGNATURES, VERIFY],
        Role::OperatorSecretariat
        | Role::OperatorDelegate
        | Role::Client
        | Role::ClientDelegate => &[HOME, CASES, AGENDA, VERIFY],
    }
}
