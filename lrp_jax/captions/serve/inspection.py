"""Live inspection: connects a captioner to the page of `lrp_jax.captions.serve`."""

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
    """A `Model` of the page: a captioner, and the question whose values stand in for empty fields of the form."""

    speaker: Speaker
    question: Question
    remarks: Sequence[str] = ()

    def read(self, name: str, content: bytes) -> Held:
        """Decodes an upload like a file of a batch; a decompression bomb or a non-image raises ValueError."""
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
            raise ValueError(f"words: got none of {', '.join(question.words)} in the caption; leave them out to see it")
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
    """A server that captions and explains pictures that are uploaded in the browser.

    Args:
      speaker: the models.
      question: the values for fields that the form leaves empty.
      remarks: notes about the models, shown on every page.
      facts: name -> text about the model, shown on result pages.
      host, port: the address to listen on.
      limit: the maximum size of an upload, in bytes.

    Raises:
      OSError: the port is in use, or the address does not belong to this machine.
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
