//! A pseudo-terminal: a command on it, what it shows, and keys for it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcgetwinsize, tcsetwinsize};

use crate::running::wait_until;

/// A command on a terminal of its own.
pub struct Terminal {
    keyboard: Option<File>,
    gone: Arc<AtomicBool>,
    screen: Arc<Mutex<Vec<u8>>>,
    size: (u16, u16),
    /// What came before was drawn for another size.
    drawn_from: usize,
    reader: Option<JoinHandle<()>>,
    child: Child,
}

impl Terminal {
    /// Of 100 columns and 40 rows.
    pub fn start(command: Command) -> Self {
        Self::sized(command, 40, 100)
    }

    /// Of another size.
    pub fn sized(mut command: Command, rows: u16, columns: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        tcsetwinsize(&master, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let side: OwnedFd =
            rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        if !command.get_envs().any(|(name, _)| name == "TERM") {
            command.env("TERM", "xterm-256color");
        }
        command.stdin(side.try_clone().unwrap());
        let child = command.stdout(side.try_clone().unwrap()).stderr(side).spawn().unwrap();
        // Its copies of the terminal's side are closed, so that the screen ends with the command.
        drop(command);
        let screen = Arc::new(Mutex::new(Vec::new()));
        let (shown, mut reading) = (Arc::clone(&screen), File::from(master));
        let keyboard = Some(reading.try_clone().unwrap());
        let gone = Arc::new(AtomicBool::new(false));
        let hung_up = Arc::clone(&gone);
        let reader = std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while !hung_up.load(Ordering::Relaxed) {
                let mut ready = [PollFd::new(&reading, PollFlags::IN)];
                match poll(&mut ready, Some(&Timespec { tv_sec: 0, tv_nsec: 20_000_000 })) {
                    Ok(0) | Err(_) => continue,
                    Ok(_) => {}
                }
                let Ok(read @ 1..) = reading.read(&mut chunk) else { break };
                shown.lock().unwrap().extend_from_slice(&chunk[..read]);
            }
        });
        Self { keyboard, gone, screen, size: (rows, columns), drawn_from: 0, reader: Some(reader), child }
    }

    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }

    pub fn wait_for(&self, text: &str) {
        wait_until(&format!("{text:?} is shown"), || self.screen().contains(text));
    }

    /// Waits until it was shown so often.
    pub fn wait_for_times(&self, text: &str, times: usize) {
        wait_until(&format!("{text:?} is shown {times} times"), || self.screen().matches(text).count() >= times);
    }

    /// How it hands out what is typed, in words.
    pub fn mode(&self) -> String {
        let mode = rustix::termios::tcgetattr(self.keyboard.as_ref().unwrap()).unwrap();
        format!("{:?} {:?} {:?}", mode.local_modes, mode.input_modes, mode.output_modes)
    }

    /// Rows and columns, as the kernel has them now.
    pub fn window(&self) -> (u16, u16) {
        let size = tcgetwinsize(self.keyboard.as_ref().unwrap()).unwrap();
        (size.ws_row, size.ws_col)
    }

    /// Such as whether what is typed is shown.
    pub fn modes(&self) -> LocalModes {
        tcgetattr(self.keyboard.as_ref().unwrap()).unwrap().local_modes
    }

    /// What is on it now, with its colours.
    pub fn cells(&self) -> vt100::Screen {
        let mut parser = vt100::Parser::new(self.size.0.try_into().unwrap(), self.size.1.try_into().unwrap(), 0);
        parser.process(&self.screen.lock().unwrap()[self.drawn_from..]);
        parser.screen().clone()
    }

    /// What is on it now, as a person sees it; nothing at the ends of rows.
    pub fn sight(&self) -> String {
        self.cells().rows(0, self.size.1).map(|row| row.trim_end().to_owned() + "\n").collect()
    }

    /// A person drags its corner.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn resize(&mut self, rows: u16, columns: u16) {
        self.size = (rows, columns);
        self.drawn_from = self.screen.lock().unwrap().len();
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(self.keyboard.as_ref().unwrap(), size).unwrap();
        // The kernel tells only those whose controlling terminal it is.
        self.signal(rustix::process::Signal::WINCH);
    }

    /// The line breaks: the terminal is gone for whoever is on it.
    pub fn hang_up(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
        self.reader.take().unwrap().join().unwrap();
        self.keyboard = None;
    }

    fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the command ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// Waits for its end, with what a person still sees then.
    pub fn last_sight(mut self) -> (Option<i32>, String) {
        let status = self.ended();
        self.reader.take().unwrap().join().unwrap();
        (status.code(), self.sight())
    }

    /// Waits until a person sees this on a screen that was drawn to its end, and returns all of it.
    pub fn wait_to_see(&self, text: &str) -> String {
        let is_whole = || self.screen.lock().unwrap().ends_with(b"\x1b[?2026l");
        let mut seen = String::new();
        wait_until(&format!("{text:?} is seen"), || {
            if is_whole() {
                seen = self.sight();
            }
            seen.contains(text)
        });
        seen
    }

    pub fn press(&mut self, key: &str) {
        self.keyboard.as_mut().unwrap().write_all(key.as_bytes()).unwrap();
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// The exit code, and everything that was shown.
    pub fn end(mut self) -> (Option<i32>, String) {
        let status = self.ended();
        self.reader.take().map(JoinHandle::join).transpose().unwrap();
        let screen = String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned();
        (status.code(), screen)
    }
}

impl Drop for Terminal {
    /// A test that failed leaves nothing behind either.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
