//! Pages read as a person reads them: by what is on them, marked for tests by `data-testid`.

use super::BrowserError;
use scraper::{ElementRef, Html, Selector};

/// One page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Path and query after all redirects.
    pub at: String,
    html: String,
}

/// A form as it stands on a page, ready to be filled in.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// Where it goes.
    pub action: String,
    /// Sent with files.
    pub multipart: bool,
    /// What is sent.
    pub fields: Vec<(String, String)>,
    /// Files that are sent.
    pub files: Vec<File>,
    page: String,
    /// Name, value and label of what can be chosen: options, boxes, radio buttons.
    choices: Vec<Choice>,
    names: Vec<String>,
}

/// A file in a form.
#[derive(Clone, Debug)]
pub struct File {
    pub(super) field: String,
    pub(super) file_name: String,
    pub(super) bytes: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Choice {
    name: String,
    value: String,
    label: String,
    checkbox: bool,
}

impl Page {
    pub(super) fn new(at: String, html: String) -> Self {
        Self { at, html }
    }

    pub(super) fn text(&self) -> &str {
        &self.html
    }

    /// The form with this `data-testid`, or the one whose button has it.
    ///
    /// # Errors
    /// [`BrowserError::Missing`].
    pub fn form(&self, testid: &str) -> Result<Form, BrowserError> {
        self.form_of(&format!("[data-testid='{testid}']"))
    }

    /// The form that an element is, or is in.
    ///
    /// # Errors
    /// [`BrowserError::Missing`].
    pub fn form_of(&self, selector: &str) -> Result<Form, BrowserError> {
        let document = Html::parse_document(&self.html);
        let found = document.select(&select(selector)).next().and_then(|element| {
            let ancestors = element.ancestors().filter_map(ElementRef::wrap);
            let form = std::iter::once(element)
                .chain(ancestors)
                .find(|element| element.value().name() == "form")?;
            Some(Form::read(&self.at, form, element))
        });
        found.ok_or_else(|| self.missing(selector))
    }

    /// Whether something is on the page.
    pub fn has(&self, selector: &str) -> bool {
        Html::parse_document(&self.html).select(&select(selector)).next().is_some()
    }

    /// Whether one of these elements contains the words.
    pub fn says(&self, selector: &str, words: &str) -> bool {
        let document = Html::parse_document(&self.html);
        document.select(&select(selector)).any(|element| words_of(&element).contains(words))
    }

    /// The attribute of the first such element.
    ///
    /// # Errors
    /// [`BrowserError::Missing`].
    pub fn attribute(&self, selector: &str, attribute: &str) -> Result<String, BrowserError> {
        let document = Html::parse_document(&self.html);
        let element = document.select(&select(selector)).next();
        let value = element.and_then(|e| e.attr(attribute)).map(str::to_owned);
        value.ok_or_else(|| self.missing(&format!("{selector} with {attribute}")))
    }

    /// Heading and alerts, for error messages.
    pub fn told(&self) -> String {
        let document = Html::parse_document(&self.html);
        let words = select("h1, [role='alert'], .alert, .invalid-feedback");
        let told: Vec<String> = document.select(&words).map(|element| words_of(&element)).collect();
        told.join(" | ")
    }

    fn missing(&self, what: &str) -> BrowserError {
        BrowserError::Missing { path: self.at.clone(), what: what.to_owned(), told: self.told() }
    }
}

impl Form {
    fn read(at: &str, form: ElementRef<'_>, asked: ElementRef<'_>) -> Self {
        let action = asked.attr("formaction").or_else(|| form.attr("action")).unwrap_or(at);
        let multipart = form.attr("enctype") == Some("multipart/form-data");
        let page = at.to_owned();
        let mut read = Self { action: action.to_owned(), multipart, page, ..Self::default() };
        for field in form.select(&select("input, select, textarea")) {
            let Some(name) = field.attr("name").filter(|_| field.attr("disabled").is_none()) else {
                continue;
            };
            read.names.push(name.to_owned());
            match (field.value().name(), field.attr("type").unwrap_or("text")) {
                ("select", _) => read.options(name, field),
                ("textarea", _) => {
                    // The line break behind the tag is no part of the text (HTML §13.2.6.4.7).
                    let text: String = field.text().collect();
                    read.set(name, text.strip_prefix('\n').unwrap_or(&text));
                }
                (_, kind @ ("checkbox" | "radio")) => read.choice(name, kind == "checkbox", field),
                (_, "file" | "submit") => {}
                _ => read.set(name, field.attr("value").unwrap_or_default()),
            }
        }
        if let (Some(name), Some(value)) = (asked.attr("name"), asked.attr("value")) {
            read.set(name, value);
        }
        read
    }

    fn options(&mut self, name: &str, field: ElementRef<'_>) {
        let mut chosen = None;
        for option in field.select(&select("option")) {
            let label = words_of(&option);
            let value = option.attr("value").map_or_else(|| label.clone(), str::to_owned);
            if chosen.is_none() || option.attr("selected").is_some() {
                chosen = Some(value.clone());
            }
            self.choices.push(Choice { name: name.to_owned(), value, label, checkbox: false });
        }
        if let Some(value) = chosen {
            self.set(name, &value);
        }
    }

    fn choice(&mut self, name: &str, checkbox: bool, field: ElementRef<'_>) {
        let value = field.attr("value").unwrap_or("on").to_owned();
        if field.attr("checked").is_some() {
            self.set(name, &value);
        }
        let (name, label) = (name.to_owned(), value.clone());
        self.choices.push(Choice { name, value, label, checkbox });
    }

    fn set(&mut self, name: &str, value: &str) {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
    }

    /// Writes into a field.
    ///
    /// # Errors
    /// [`BrowserError::Missing`] if the form has none of that name.
    pub fn fill(mut self, name: &str, value: &str) -> Result<Self, BrowserError> {
        self.known(name)?;
        self.set(name, value);
        Ok(self)
    }

    /// Chooses the option whose label contains these words, or whose value is exactly this.
    ///
    /// # Errors
    /// [`BrowserError::Missing`] if there is none.
    pub fn choose(mut self, name: &str, words: &str) -> Result<Self, BrowserError> {
        let fits = |choice: &&Choice| {
            choice.name == name && (choice.value == words || choice.label.contains(words))
        };
        let Some(value) = self.choices.iter().find(fits).map(|choice| choice.value.clone()) else {
            return Err(self.missing(&format!("choice «{words}» for {name}")));
        };
        self.set(name, &value);
        Ok(self)
    }

    /// Ticks every box.
    #[must_use]
    pub fn tick_all(mut self) -> Self {
        let boxes: Vec<_> = self.choices.iter().filter(|choice| choice.checkbox).cloned().collect();
        for Choice { name, value, .. } in boxes {
            self.set(&name, &value);
        }
        self
    }

    /// Presses a button that says something by its name and value.
    #[must_use]
    pub fn press(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// Adds a file.
    ///
    /// # Errors
    /// [`BrowserError::Missing`] if the form has no field of that name.
    pub fn attach(
        mut self,
        name: &str,
        file_name: &str,
        bytes: Vec<u8>,
    ) -> Result<Self, BrowserError> {
        self.known(name)?;
        let (field, file_name) = (name.to_owned(), file_name.to_owned());
        self.files.push(File { field, file_name, bytes });
        Ok(self)
    }

    /// What a field holds.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn known(&self, name: &str) -> Result<(), BrowserError> {
        if self.names.iter().any(|known| known == name) {
            return Ok(());
        }
        Err(self.missing(&format!("field {name} in the form to {}", self.action)))
    }

    fn missing(&self, what: &str) -> BrowserError {
        BrowserError::Missing {
            path: self.page.clone(),
            what: what.to_owned(),
            told: format!("fields {:?}", self.names),
        }
    }
}

fn words_of(element: &ElementRef<'_>) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn select(selector: &str) -> Selector {
    Selector::parse(selector).expect("a selector written in this program")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<h1>Prova</h1><div class="alert" role="alert">Manca il testo.</div>
        <form method="post" action="/salva" data-testid="whole">
          <input type="hidden" name="revision" value="7"><input name="nome">
          <select name="esito"><option value="">Scegli</option><option value="a" selected>Accordo</option>
            <option value="m">Mancato accordo</option></select>
          <textarea name="testo">
Due
righe</textarea>
          <input type="checkbox" name="uno" value="x"><input type="checkbox" name="due" value="y" checked>
          <input type="radio" name="scelta" value="si"><input type="radio" name="scelta" value="no">
          <button formaction="/mostra" data-testid="show">Mostra</button>
          <button name="action" value="save" data-testid="save">Salva</button>
        </form>"#;

    fn page() -> Page {
        Page::new("/qui".into(), PAGE.into())
    }

    fn sent(form: &Form) -> Vec<(&str, &str)> {
        let mut sent: Vec<_> =
            form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        sent.sort_unstable();
        sent
    }

    #[test]
    fn a_form_is_sent_as_a_browser_would_send_it() {
        let form = page().form("whole").unwrap();
        assert_eq!(form.action, "/salva");
        let untouched = [
            ("due", "y"),
            ("esito", "a"),
            ("nome", ""),
            ("revision", "7"),
            ("testo", "Due\nrighe"),
        ];
        assert_eq!(sent(&form), untouched);
        let form = form.fill("nome", "Anna").unwrap().choose("esito", "Mancato").unwrap();
        let form = form.choose("scelta", "si").unwrap().tick_all();
        let sent: Vec<_> = sent(&form);
        for field in [("nome", "Anna"), ("esito", "m"), ("scelta", "si"), ("uno", "x")] {
            assert!(sent.contains(&field), "{field:?} in {sent:?}");
        }
    }

    #[test]
    fn a_button_decides_where_to_and_what_is_missing_is_said() {
        assert_eq!(page().form("show").unwrap().action, "/mostra");
        assert_eq!(page().form("save").unwrap().value("action"), Some("save"));
        let told = page().form("none").unwrap_err().to_string();
        assert!(told.contains("Manca il testo.") && told.contains("/qui"), "{told}");
        assert!(page().form("whole").unwrap().fill("altro", "x").is_err());
        assert!(page().form("whole").unwrap().choose("esito", "Rinuncia").is_err());
    }
}
