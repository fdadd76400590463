// On the page shown while the database is away: asks quietly and opens the page when it is back. Nothing moves before.
for (const note of document.querySelectorAll("[data-retry]")) {
  const pause = Number(note.dataset.retry) * 1000;
  note.hidden = false;
  const ask = async () => {
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (answer.status !== 503) return location.reload();
    } catch { /* the network is away too */ }
    setTimeout(ask, pause);
  };
  setTimeout(ask, pause);
}
