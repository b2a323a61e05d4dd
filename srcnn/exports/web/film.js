// Films: their frames are enlarged while they play, by a worker on the GPU, as fast as it can; nothing is written.

// A film that is ready to play, or what the browser says against it.
const opened = (card, video) => new Promise((resolve, reject) => {
  video.onloadeddata = () => (video.videoWidth ? resolve() : video.onerror());
  video.onerror = () => reject(new Error("this browser cannot play the film. Convert it to MP4 with H.264, or to WebM."));
  card.cancel = () => reject(new Error("stopped"));
  video.src = URL.createObjectURL(card.file);
});

const clock = (seconds) => !Number.isFinite(seconds) ? "unknown length" : `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

// Puts the film, and the canvas over it, on the card's stage.
const stageOf = (card) => {
  const stage = find(".stage", card.element), video = document.createElement("video");
  const canvas = document.createElement("canvas");
  Object.assign(video, { playsInline: true, preload: "auto", tabIndex: -1, ariaHidden: "true" });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${card.file.name}: bicubic on the left, SRCNN on the right`);
  stage.classList.add("film");
  stage.replaceChildren(video, canvas);
  return { video, canvas };
};

// Draws the newest frame whenever the worker is free, and tells once a second how many it drew, and those of the film.
const follow = (card, video, helper, tell) => {
  const divide = find(".divide", card.element);
  let busy = false, waits = false, drawn = 0, before, last = 0, most = 0;
  const draw = async () => {
    waits = true;
    if (busy) return;
    busy = true;
    try {
      while (waits && !card.stopped) {
        waits = false;
        const frame = await createImageBitmap(video);
        await helper.ask({ frame, divide: divide.value / 100 }, [frame]);
        drawn++;
      }
    } catch (error) {
      if (!card.stopped) card.fail(error);
      card.stop();
    }
    busy = false;
  };
  const next = (now, { mediaTime }) => {
    if (card.stopped) return;
    video.requestVideoFrameCallback(next);
    draw();
    if (mediaTime > last) most = Math.max(most, 1 / (mediaTime - last)); // by the frames that are nearest
    last = mediaTime;
    before ??= { now, drawn };
    const seconds = (now - before.now) / 1000, rate = (drawn - before.drawn) / seconds;
    if (seconds < 1 || !rate || video.paused) return;
    tell(Math.min(rate, most), most);
    before = { now, drawn };
  };
  video.requestVideoFrameCallback(next);
  video.onplay = () => (before = undefined);
  card.divided = () => video.paused && draw();
  return draw();
};

// Buttons and position of a film.
const controls = (card, video) => {
  const box = find(".film.buttons", card.element), [play, sound, close] = box.querySelectorAll("button");
  const position = find(".position", box);
  position.setAttribute("aria-label", `${card.file.name}: position`);
  const update = () => {
    play.textContent = video.paused ? "Play" : "Pause";
    sound.textContent = video.muted ? "Unmute" : "Mute";
    position.value = (1000 * video.currentTime) / video.duration || 0;
    position.setAttribute("aria-valuetext", `${clock(video.currentTime)} of ${clock(video.duration)}`);
  };
  play.onclick = () => (video.paused ? video.play().catch(() => {}) : video.pause());
  sound.onclick = () => (video.muted = !video.muted);
  position.oninput = () => (video.currentTime = (position.value / 1000) * video.duration || 0);
  close.onclick = () => {
    card.stop();
    card.element.remove();
  };
  for (const event of ["play", "pause", "volumechange", "timeupdate"]) video.addEventListener(event, update);
  update();
  box.hidden = false;
};

const stopFilm = (card, video, helper) => {
  card.stopped = true;
  card.cancel();
  helper?.end();
  URL.revokeObjectURL(video.src);
  video.removeAttribute("src");
  video.load();
};

const checkFilm = (network, video) => {
  const way = find("#way").value;
  if (way === "cores") throw new Error("films need the GPU. Choose “GPU” under “Run on”, and add the film again.");
  if (way === "auto" && !graphics.hardware)
    throw new Error("films need a GPU, and this browser has none. To try a slow software GPU, choose “GPU” under “Run on”, and add the film again.");
  checkQuality(network);
  if (!video.requestVideoFrameCallback) throw new Error("this browser is too old to enlarge films. Update it first.");
};

const playFilm = async (card, network) => {
  if (card.stopped) throw new Error("stopped");
  const { video, canvas } = stageOf(card);
  let helper;
  card.stop = () => stopFilm(card, video, helper);
  try {
    await opened(card, video);
    checkFilm(network, video);
    const size = [video.videoWidth, video.videoHeight], large = size.map((pixels) => pixels * network.scale);
    const screen = canvas.transferControlToOffscreen(), message = { canvas: screen, size, tile: ways.gpu.tile };
    helper = new Helper(urls.player);
    const { software } = await helper.ask({ ...message, network: { ...network, weights: weightsOf(network) } }, [screen]);
    const note = `Enlarging ${size.join("x")} to ${large.join("x")} pixels on ${onGpu(software)}.`;
    card.note(note);
    find(".work", card.element).remove();
    card.open(...large);
    controls(card, video);
    await follow(card, video, helper, (own, all) => card.note(`${note} Showing ${own.toFixed(1)} of ${all.toFixed(1)} frames a second.`));
    say(`${card.file.name} is ready to play.`);
  } catch (error) {
    card.fail(error);
    card.stop();
  }
};
