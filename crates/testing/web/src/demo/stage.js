// The pictures of a conference: what the focus sends, a screen that is shared, and one's own camera. It plays and shows; it decides
// nothing. Sound is played elsewhere, so that a picture that is held back holds back no sound.

export class Stage {
  #stage = document.getElementById("stage");
  #picture = document.getElementById("picture");
  #screen = document.getElementById("screen");
  #self = document.getElementById("self");
  #isDark;

  /**
   * @param {() => boolean} isDark whether the focus says that there is nothing to see: what was seen last would stay there for ever.
   *   It is asked whenever something may have changed; what changes nothing else is told by `look`.
   */
  constructor(isDark) {
    this.#isDark = isDark;
    // The sound of the same stream has an element of its own.
    this.#picture.muted = true;
    for (const video of [this.#picture, this.#screen, this.#self]) {
      // A line for pictures may be there long before there are any.
      video.addEventListener("resize", () => this.#show());
      video.addEventListener("emptied", () => this.#show());
    }
  }

  /** @param {MediaStream | null} stream */
  showPicture(stream) {
    this.#play(this.#picture, stream);
  }

  /** It may have changed whether there is something to see. */
  look() {
    this.#show();
  }

  /** @param {MediaStream | null} stream */
  showScreen(stream) {
    this.#play(this.#screen, stream);
  }

  /** @param {MediaStream | null} stream */
  showSelf(stream) {
    // The library keeps the stream and changes its tracks, which an element does not always notice.
    this.#self.srcObject = null;
    this.#play(this.#self, stream);
  }

  #play(video, stream) {
    if (video.srcObject !== stream) video.srcObject = stream;
    if (stream) video.play().catch(() => {});
    this.#show();
  }

  #show() {
    const seen = (video) => video.srcObject !== null && video.videoWidth > 0 && !(video === this.#picture && this.#isDark());
    for (const video of [this.#picture, this.#screen, this.#self]) video.hidden = !seen(video);
    this.#stage.hidden = !seen(this.#picture) && !seen(this.#screen) && !seen(this.#self);
    this.#stage.classList.toggle("with-screen", seen(this.#screen));
  }
}
