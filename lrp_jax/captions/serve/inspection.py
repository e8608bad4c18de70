"""Live inspection: a captioner behind the page that `lrp_jax.captions.serve` shows in the browser."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

from lrp_jax.captions import explain, render
from lrp_jax.captions.images import load_image
from lrp_jax.captions.pages.batch import Picture, presentable, read_pixels
from lrp_jax.captions.pages.explained import Question, begin_picture, caption_pictures, check
from lrp_jax.captions.pages.naming import printable
from lrp_jax.captions.runs.speaker import Speaker
from lrp_jax.captions.serve.app import LIMIT, Application, Held
from lrp_jax.captions.serve.asked import Asked
from lrp_jax.captions.serve.server import Server, is_local
from lrp_jax.captions.words import words_of


@dataclasses.dataclass(frozen=True, eq=False)
class Live:
    """The models, and how they are asked where the form does not say it."""

    speaker: Speaker
    question: Question
    remarks: Sequence[str] = ()

    def read(self, name: str, content: bytes) -> Held:
        """Decodes an upload as a file of a batch is decoded: a bomb, or what is no image, is a ValueError."""
        preprocessing = self.speaker.preprocessing
        size = None if preprocessing is None else preprocessing.size
        picture = Picture(printable(name), functools.partial(load_image, content, size))
        try:
            pixels = read_pixels(picture)
        except ValueError as error:
            raise ValueError(f"{picture.name}: {str(error).removeprefix('bytes: ')}") from error
        return Held(picture.name, pixels, presentable(pixels if size is None else load_image(content)), content)

    def explain(self, held: Held, asked: Asked) -> render.Case | render.Comparison:
        """Explains a picture as the form asks.

        Raises:
          ValueError: the model cannot answer this.
        """
        question = dataclasses.replace(
            self.question,
            caption=self.question.caption if asked.caption is None else asked.caption,
            words=tuple(words_of(asked.words)) or self.question.words,
            against=" ".join(words_of(asked.against)) or self.question.against,
            method=asked.method,
        )
        remarks = [*check(self.speaker, question), *self.remarks]
        picture = Picture(held.name, lambda: held.pixels, lambda: held.shown, content=held.content)
        (captioned,) = caption_pictures(self.speaker, question, [(picture, held.pixels)])
        begun = begin_picture(self.speaker, question, picture, held.pixels, captioned, remarks)
        if begun is None:
            raise ValueError(f"words: none of {', '.join(question.words)} is in the caption; leave them out to see it")
        return begun()


def inspector(
    speaker: Speaker,
    question: Question,
    remarks: Sequence[str] = (),
    facts: Mapping[str, str] | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    limit: int = LIMIT,
) -> Server:
    """A server that shows what a captioner says of pictures from the browser.

    Args:
      speaker: the models.
      question: what is asked where the form says nothing.
      remarks: what a reader has to know of the models.
      facts: of the making of a page.
      host, port: where it listens.
      limit: bytes of the largest upload.

    Raises:
      OSError: the port is taken, or the address is not of this machine.
    """
    application = Application(
        Live(speaker, question, remarks),
        methods={name: name.replace("_", " ") for name in explain.METHODS},
        chosen=question.method,
        facts=facts,
        notes=remarks,
        names={"localhost", host.lower()},
        any_address=not is_local(host),
        limit=limit,
    )
    return Server(application, host, port)
