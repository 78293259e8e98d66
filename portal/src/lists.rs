//! Lists: search, sort and paging of every table (R-TECH-15), from the address and back into it.

use serde::Deserialize;

/// Page sizes to choose from; the first is the default (R-CASE-04).
pub const PAGE_SIZES: [u32; 3] = [10, 25, 50];

/// What an address asks of a list. Anything that does not fit falls back to the default: an old or
/// mistyped link shows a list, not an error.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ListQuery {
    /// Text to search for.
    #[serde(default)]
    pub q: String,
    /// Column to sort by.
    #[serde(default)]
    pub ordina: String,
    /// `su` or `giu`.
    #[serde(default)]
    pub verso: String,
    /// From 1.
    #[serde(default)]
    pub pagina: String,
    /// Rows a page.
    #[serde(default)]
    pub righe: String,
    /// Filter of the list.
    #[serde(default)]
    pub visualizza: String,
}

/// A column that a list can be sorted by.
pub trait Column: Copy + PartialEq + 'static {
    /// All of them, in the order of the table.
    const ALL: &'static [Self];

    /// The word in the address.
    fn key(self) -> &'static str;

    /// The heading.
    fn label(self) -> &'static str;

    /// What SQL sorts by; a constant of the program.
    fn sql(self) -> String;
}

/// One page of a list, as asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing<C> {
    /// Search text, trimmed; empty for none.
    pub search: String,
    /// Sorted by.
    pub column: C,
    /// Largest first.
    pub descending: bool,
    /// From 1.
    pub page: u32,
    /// Rows a page.
    pub size: u32,
    /// Filter, as in the address.
    pub view: String,
}

/// A heading with its link.
#[derive(Clone, Debug, PartialEq)]
pub struct Heading {
    /// Text.
    pub label: &'static str,
    /// Sorts by this column; turns the order when it does already.
    pub href: String,
    /// `aria-sort` of the column that is sorted by.
    pub sorted: Option<&'static str>,
}

/// Links under a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Pager {
    /// Rows found in all.
    pub total: u64,
    /// First and last row on this page, from 1; 0 and 0 for none.
    pub shown: (u64, u64),
    /// This page, from 1.
    pub page: u32,
    /// Number of pages, at least 1.
    pub pages: u32,
    /// The page before.
    pub previous: Option<String>,
    /// The page after.
    pub next: Option<String>,
}

impl<C: Column> Listing<C> {
    /// Reads an address; `default` is the order without a wish.
    pub fn of(query: &ListQuery, default: (C, bool)) -> Self {
        let column = C::ALL.iter().copied().find(|c| c.key() == query.ordina);
        let descending = match (query.verso.as_str(), column) {
            ("su", _) => false,
            ("giu", _) => true,
            (_, Some(_)) => false,
            (_, None) => default.1,
        };
        let size = query.righe.parse().ok().filter(|n| PAGE_SIZES.contains(n));
        Self {
            search: query.q.trim().chars().take(100).collect(),
            column: column.unwrap_or(default.0),
            descending,
            page: query.pagina.parse().unwrap_or(1).clamp(1, 1_000_000),
            size: size.unwrap_or(PAGE_SIZES[0]),
            view: query.visualizza.clone(),
        }
    }

    /// `ORDER BY` without the words, ties broken by `id`.
    pub fn order(&self) -> String {
        let direction = if self.descending { "DESC" } else { "ASC" };
        format!("{} {direction}, id {direction}", self.column.sql())
    }

    /// The word of the column that is sorted by.
    pub fn order_key(&self) -> &'static str {
        self.column.key()
    }

    /// Stays on the last page when fewer rows than asked for were found.
    pub fn within(&mut self, total: i64) {
        let pages = (total - 1).div_euclid(i64::from(self.size)) + 1;
        self.page = self.page.min(u32::try_from(pages).unwrap_or(u32::MAX).max(1));
    }

    /// Rows to skip.
    pub fn offset(&self) -> i64 {
        i64::from(self.page - 1) * i64::from(self.size)
    }

    /// The search text as a pattern for `LIKE … ESCAPE '\'` on a lower-case column; `%` for none.
    pub fn pattern(&self) -> String {
        let mut pattern = String::from("%");
        for c in self.search.to_lowercase().chars() {
            if matches!(c, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        if pattern.len() > 1 {
            pattern.push('%');
        }
        pattern
    }

    /// The headings of the table.
    pub fn headings(&self, path: &str) -> Vec<Heading> {
        let heading = |column: C| {
            let current = column == self.column;
            let descending = current && !self.descending;
            let words = if self.descending { "descending" } else { "ascending" };
            Heading {
                label: column.label(),
                href: self.href(path, column, descending, 1),
                sorted: current.then_some(words),
            }
        };
        C::ALL.iter().copied().map(heading).collect()
    }

    /// The links under the table.
    pub fn pager(&self, path: &str, total: u64) -> Pager {
        let size = u64::from(self.size);
        let pages = u32::try_from(total.div_ceil(size)).unwrap_or(u32::MAX).max(1);
        let first = u64::from(self.page - 1) * size + 1;
        let shown = if first > total { (0, 0) } else { (first, total.min(first + size - 1)) };
        let link = |page| self.href(path, self.column, self.descending, page);
        Pager {
            total,
            shown,
            page: self.page,
            pages,
            previous: (self.page > 1).then(|| link((self.page - 1).min(pages))),
            next: (self.page < pages).then(|| link(self.page + 1)),
        }
    }

    fn href(&self, path: &str, column: C, descending: bool, page: u32) -> String {
        let mut href = format!(
            "{path}?ordina={}&verso={}&righe={}&pagina={page}",
            column.key(),
            if descending { "giu" } else { "su" },
            self.size
        );
        for (name, value) in [("q", &self.search), ("visualizza", &self.view)] {
            if !value.is_empty() {
                href.push_str(&format!("&{name}={}", urlencoding::encode(value)));
            }
        }
        href
    }
}

/// SQL that sorts a column of words by their labels.
pub fn by_label(column: &str, words: &[(&str, &str)]) -> String {
    let mut words = words.to_vec();
    words.sort_by_key(|(_, label)| label.to_lowercase());
    let ranks = words.iter().enumerate().map(|(n, (key, _))| format!(" WHEN '{key}' THEN {n}"));
    format!("CASE {column}{} END", ranks.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Fruit {
        Name,
        Colour,
    }

    impl Column for Fruit {
        const ALL: &'static [Self] = &[Self::Name, Self::Colour];

        fn key(self) -> &'static str {
            if self == Self::Name { "nome" } else { "colore" }
        }

        fn label(self) -> &'static str {
            if self == Self::Name { "Nome" } else { "Colore" }
        }

        fn sql(self) -> String {
            self.key().to_owned()
        }
    }

    fn listing(query: &[(&str, &str)]) -> Listing<Fruit> {
        let field = |name| {
            query.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()).unwrap_or_default()
        };
        let query = ListQuery {
            q: field("q"),
            ordina: field("ordina"),
            verso: field("verso"),
            pagina: field("pagina"),
            righe: field("righe"),
            visualizza: field("visualizza"),
        };
        Listing::of(&query, (Fruit::Name, true))
    }

    #[test]
    fn r_case_04_an_address_is_read_and_falls_back_to_the_default() {
        for (query, column, descending, page, size) in [
            (&[][..], Fruit::Name, true, 1, 10),
            (&[("ordina", "colore")][..], Fruit::Colour, false, 1, 10),
            (&[("ordina", "colore"), ("verso", "giu")][..], Fruit::Colour, true, 1, 10),
            (
                &[("ordina", "; DROP"), ("righe", "7"), ("pagina", "-3")][..],
                Fruit::Name,
                true,
                1,
                10,
            ),
            (&[("righe", "50"), ("pagina", "4")][..], Fruit::Name, true, 4, 50),
        ] {
            let listing = listing(query);
            assert_eq!(
                (listing.column, listing.descending, listing.page, listing.size),
                (column, descending, page, size),
                "{query:?}"
            );
        }
    }

    #[test]
    fn r_case_04_a_heading_turns_the_order_and_keeps_the_search() {
        let headings =
            listing(&[("q", "a&b"), ("visualizza", "chiuse"), ("pagina", "3")]).headings("/frutta");
        assert_eq!(headings[0].sorted, Some("descending"));
        assert_eq!(
            headings[0].href,
            "/frutta?ordina=nome&verso=su&righe=10&pagina=1&q=a%26b&visualizza=chiuse"
        );
        assert_eq!(headings[1].sorted, None);
        assert!(headings[1].href.contains("ordina=colore&verso=su"));
    }

    #[test]
    fn r_tech_15_the_pager_knows_first_and_last_page() {
        for (page, total, shown, previous, next) in [
            ("1", 0, (0, 0), false, false),
            ("1", 10, (1, 10), false, false),
            ("1", 11, (1, 10), false, true),
            ("2", 11, (11, 11), true, false),
            ("9", 11, (0, 0), true, false),
        ] {
            let pager = listing(&[("pagina", page)]).pager("/", total);
            assert_eq!(pager.shown, shown, "{page} of {total}");
            assert_eq!(
                (pager.previous.is_some(), pager.next.is_some()),
                (previous, next),
                "{page} of {total}"
            );
        }
    }

    #[test]
    fn r_case_04_a_page_after_the_last_is_the_last() {
        for (page, total, shown) in
            [("9999999", 20, (11, 20)), ("3", 21, (21, 21)), ("9", 0, (0, 0)), ("1", 5, (1, 5))]
        {
            let mut listing = listing(&[("pagina", page)]);
            listing.within(total);
            let pager = listing.pager("/", u64::try_from(total).unwrap());
            assert_eq!(pager.shown, shown, "{page} of {total}");
            assert_eq!(pager.page, pager.page.min(pager.pages), "{page} of {total}");
        }
    }

    #[test]
    fn a_search_text_is_no_pattern() {
        assert_eq!(listing(&[("q", " 50%_È\\ ")]).pattern(), r"%50\%\_è\\%");
        assert_eq!(listing(&[]).pattern(), "%");
    }

    #[test]
    fn words_sort_by_their_labels() {
        let sql = by_label("state", &[("held", "Svolto"), ("open", "Aperto")]);
        assert_eq!(sql, "CASE state WHEN 'open' THEN 0 WHEN 'held' THEN 1 END");
    }
}
