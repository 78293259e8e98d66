//! A person at a browser: keeps cookies, follows nothing by itself, reads the demo's outbox.

use std::net::SocketAddr;

use reqwest::header::{LOCATION, ORIGIN};
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;

/// One person at one hub.
#[derive(Clone)]
pub struct Person {
    client: Client,
    url: String,
    username: String,
}

impl Person {
    /// Opens a browser and signs in with username, password and the code that comes.
    pub async fn signed_in(hub: SocketAddr, username: &str) -> Self {
        let client = Client::builder()
            .cookie_store(true)
            // A killed hub leaves connections behind that look alive.
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let person = Self { client, url: format!("http://{hub}"), username: username.to_owned() };
        person.sign_in().await;
        person
    }

    /// Signs in (again).
    pub async fn sign_in(&self) {
        let password = accordo_demo::world::PASSWORD;
        let fields = [("username", self.username.as_str()), ("password", password)];
        let answer = self.post("/accesso", &fields).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{}", answer.text().await.unwrap());
        let text = self.messages().await[0]["text"].as_str().unwrap().to_owned();
        let answer = self.post("/accesso/otp", &[("codice", &text[..6])]).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{}", answer.text().await.unwrap());
    }

    /// The messages to this person's mobile, newest first.
    pub async fn messages(&self) -> Vec<Value> {
        let accounts = accordo_demo::world::ACCOUNTS;
        let mobile = accounts.iter().find(|a| a.username == self.username).unwrap().mobile();
        let to = mobile.replace('+', "%2B");
        let answer = self.get(&format!("/dev/outbox.json?to={to}")).await;
        answer.json().await.unwrap()
    }

    /// Opens a page.
    pub async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    /// Sends a form.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let request = self.client.post(format!("{}{path}", self.url)).header(ORIGIN, &self.url);
        request.form(fields).send().await.unwrap()
    }

    /// Whether the hub knows who this is.
    pub async fn is_signed_in(&self) -> bool {
        let answer = self.get("/profilo").await;
        match answer.status() {
            StatusCode::OK => true,
            StatusCode::SEE_OTHER => {
                let to = answer.headers()[LOCATION].to_str().unwrap();
                assert!(to.starts_with("/accesso"), "{to}");
                false
            }
            other => panic!("{other}"),
        }
    }
}
