//! Open files: every socket is one, and what shells allow by default is too little for thousands.

/// Raises this process's limit of open files as far as it may be raised; the limit that holds then.
pub fn raise_open_files() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for the call.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return 0;
    }
    let raised = libc::rlimit { rlim_cur: limit.rlim_max, ..limit };
    // SAFETY: as above.
    match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) } {
        0 => raised.rlim_cur,
        _ => limit.rlim_cur,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_limit_stays_where_it_was_raised_to() {
        let limit = super::raise_open_files();
        assert!(limit >= 256, "{limit}");
        assert_eq!(super::raise_open_files(), limit);
    }
}
