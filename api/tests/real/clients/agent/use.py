"""Pydantic AI against the base URL given: an agent with a tool and a typed result. Prints, as JSON, what came of it."""

import json
import sys
from typing import Literal

from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


class Ticket(BaseModel):
    category: Literal["billing", "technical"]
    reason: str


model = OpenAIChatModel("words", provider=OpenAIProvider(base_url=sys.argv[1], api_key="none"))
talker = Agent(model, instructions="Answer briefly.", model_settings={"max_tokens": 20, "temperature": 0})
sorter = Agent(model, output_type=NativeOutput(Ticket), model_settings={"max_tokens": 400, "temperature": 0})
typist = Agent(model, output_type=Ticket, model_settings={"max_tokens": 400, "temperature": 0})


async def streamed() -> str:
    async with talker.run_stream("hello world") as run:
        return await run.get_output()


async def main() -> None:
    said = await talker.run("hello world")
    shaped = await sorter.run("hello world")
    called = await typist.run("hello world")
    print(
        json.dumps(
            {
                "said": said.output,
                "streamed": await streamed(),
                "tokens": said.usage.output_tokens,
                "shaped": shaped.output.model_dump(),
                "called": called.output.model_dump(),
            }
        )
    )


if __name__ == "__main__":
    import asyncio

    asyncio.run(main())
