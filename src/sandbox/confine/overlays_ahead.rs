//! Makes overlays in a forked copy of this process, beside everything else that the root takes: for each the kernel makes
//! half a dozen folders.
//!
//! They are mounted nowhere at first (fsmount(2)). This process gets their descriptors and puts them in place. A kernel
//! that knows no such mounts (before Linux 5.2) leaves them to [`mount_over`](super::overlay::mount_over).

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use rustix::io::retry_on_intr;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use serde::{Deserialize, Serialize};

use super::overlay::{MountRefusal, Overlaid, detached};
use crate::sandbox::side_process::SideProcess;

/// Longest answer in bytes: an error with two paths.
const LONGEST: usize = 16 << 10;

/// The overlays that are being made, in their order.
#[derive(Debug, Default)]
pub(super) struct OverlaysAhead {
    expected: VecDeque<(String, PathBuf)>,
    maker: Option<(SideProcess, OwnedFd)>,
}

/// What is said of each; a descriptor comes along if it was made.
#[derive(Debug, Serialize, Deserialize)]
enum OverlayAnswer {
    Made,
    Unsupported,
    Refused(String),
}

impl OverlaysAhead {
    /// Begins with `overlays`, of what lies below `old` once the copy has made the step `enter`; this process must have a
    /// single thread. If the copy can't be started, none is made ahead.
    pub(super) fn begin(overlays: &[Overlaid<'_>], old: &str, enter: impl Fn() -> io::Result<()>) -> Self {
        let begin = || -> io::Result<(SideProcess, OwnedFd)> {
            let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
            let maker = SideProcess::start(|| {
                // Nobody waits any more if one can't be told.
                let told = || overlays.iter().try_for_each(|overlaid| tell(&theirs, detached(overlaid, old)));
                enter().and_then(|()| told()).is_ok()
            })?;
            Ok((maker, ours))
        };
        let named = overlays.iter().map(|overlaid| (overlaid.name.to_owned(), overlaid.lower.to_owned()));
        if overlays.is_empty() {
            return Self::default();
        }
        begin().map_or_else(|_| Self::default(), |maker| Self { expected: named.collect(), maker: Some(maker) })
    }

    /// The overlay, once it is made, or why it can't be; `None` if it has to be made here. Those before it are dropped.
    pub(super) fn take(&mut self, overlaid: &Overlaid<'_>) -> Option<io::Result<OwnedFd>> {
        let (_, answers) = self.maker.as_ref()?;
        let at = self.expected.iter().position(|(name, lower)| *name == overlaid.name && lower == overlaid.lower)?;
        let mut answer = None;
        for _ in self.expected.drain(..=at) {
            answer = Some(receive(answers));
        }
        match answer? {
            Ok((OverlayAnswer::Made, Some(mount))) => Some(Ok(mount)),
            Ok((OverlayAnswer::Refused(why), _)) => Some(Err(io::Error::other(why))),
            _ => None,
        }
    }
}

fn tell(to: &OwnedFd, made: Result<OwnedFd, MountRefusal>) -> io::Result<()> {
    let (answer, mount) = match made {
        Ok(mount) => (OverlayAnswer::Made, Some(mount)),
        Err(MountRefusal::Unsupported) => (OverlayAnswer::Unsupported, None),
        Err(MountRefusal::Refused(error)) => (OverlayAnswer::Refused(error.to_string()), None),
    };
    let text = serde_json::to_vec(&answer)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut along = SendAncillaryBuffer::new(&mut space);
    let mount = mount.as_ref().map(|mount| [mount.as_fd()]);
    if let Some(mount) = &mount {
        along.push(SendAncillaryMessage::ScmRights(mount));
    }
    retry_on_intr(|| sendmsg(to, &[IoSlice::new(&text)], &mut along, SendFlags::NOSIGNAL))?;
    Ok(())
}

fn receive(from: &OwnedFd) -> io::Result<(OverlayAnswer, Option<OwnedFd>)> {
    let mut text = vec![0; LONGEST];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut along = RecvAncillaryBuffer::new(&mut space);
    let length = retry_on_intr(|| {
        recvmsg(from, &mut [IoSliceMut::new(&mut text)], &mut along, RecvFlags::CMSG_CLOEXEC).map(|got| got.bytes)
    })?;
    let mount = along.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    Ok((serde_json::from_slice(&text[..length])?, mount))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read as _;

    use super::*;

    #[test]
    fn what_was_made_arrives_with_its_descriptor_and_a_refusal_with_its_words() {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "the mount").unwrap();
        tell(&theirs, Ok(File::open(file.path()).unwrap().into())).unwrap();
        tell(&theirs, Err(MountRefusal::Refused(io::Error::other("no layers")))).unwrap();
        tell(&theirs, Err(MountRefusal::Unsupported)).unwrap();
        drop(theirs);
        let Ok((OverlayAnswer::Made, Some(mount))) = receive(&ours) else { panic!("it was made") };
        let mut text = String::new();
        File::from(mount).read_to_string(&mut text).unwrap();
        assert_eq!(text, "the mount");
        assert!(matches!(receive(&ours), Ok((OverlayAnswer::Refused(why), None)) if why == "no layers"));
        assert!(matches!(receive(&ours), Ok((OverlayAnswer::Unsupported, None))));
        assert!(receive(&ours).is_err(), "nobody is there any more");
    }
}
