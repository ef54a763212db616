"""Make two small models with random weights, DIR/words and DIR/slow. Nothing is downloaded.

Their free text is ASCII words without an end (a reply is as long as `max_tokens`), and the same prompt at
temperature 0 gives the same words. Under a grammar they close what they open, so structured output ends in
shape. `words` is as fast as its server; `slow` makes some 25 tokens a second, so that a queue can build and
a stream can be killed on its way.
"""

import json
import random
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn.functional import normalize
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

WORDS = Path(__file__).with_name("words.txt").read_text().split()

PAD, BOS, END, START, UNKNOWN = "<pad>", "<s>", "<|im_end|>", "<|im_start|>", "<unk>"
CONTEXT = 2048
CHAT_TEMPLATE = (
    "{% if tools %}{{ '<|im_start|>system\\nTools: ' + (tools | tojson) + '<|im_end|>\\n' }}{% endif %}"
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' }}"
    "{% if m['content'] is string %}{{ m['content'] }}{% elif m['content'] %}"
    "{% for part in m['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}"
    "{% endif %}"
    "{% if m['tool_calls'] %}{{ m['tool_calls'] | tojson }}{% endif %}{{ '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


@dataclass(frozen=True)
class Shape:
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    feed_forward: int
    spread: float  # of the weights: spread * sqrt(hidden) = 1.6 keeps what leaves a layer as lively as what came


SHAPES = {
    "words": Shape(hidden=64, layers=2, heads=2, kv_heads=2, feed_forward=128, spread=0.2),
    "slow": Shape(hidden=1024, layers=8, heads=8, kv_heads=2, feed_forward=2816, spread=0.05),
}


def sentences(count: int) -> Iterator[str]:
    pick = random.Random(0)
    for _ in range(count):
        text = " ".join(pick.choices(WORDS, k=pick.randint(4, 14)))
        yield text.capitalize() + pick.choice(".?!;:")
        if pick.random() < 0.2:
            facts = {pick.choice(WORDS): pick.choice(WORDS), pick.choice(WORDS): pick.randint(0, 999)}
            yield json.dumps({**facts, "ok": pick.choice([True, False, None])})


def make_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1024,
        special_tokens=[PAD, BOS, START, END, UNKNOWN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences(6000), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=CONTEXT,
        bos_token=BOS,
        eos_token=END,
        pad_token=PAD,
        unk_token=UNKNOWN,
        clean_up_tokenization_spaces=False,
        chat_template=CHAT_TEMPLATE,
    )


def leaning(text: str) -> float:
    """How much the model leans to a token, in logits. Where all are allowed, only words and the quote win."""
    if re.fullmatch(r" [A-Za-z]{2,}", text):
        return 0
    if text == '"':
        return 12  # a string ends after some ten words
    if text == "{":
        return -14  # a list has an item before it ends
    if text == "]":
        return -18  # ... and seldom a third
    if re.fullmatch(r"\d+", text):
        return -24 if text in "01" else -28  # a number is small and ends after a digit or two
    if re.match(r"[\s.eE+-]|<", text):
        return -34  # no blanks between JSON's tokens, no fractions or exponents, no special tokens
    return -22


def make_model(shape: Shape, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    torch.manual_seed(1234)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=shape.hidden,
            intermediate_size=shape.feed_forward,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.kv_heads,
            max_position_embeddings=CONTEXT,
            initializer_range=shape.spread,
            tie_word_embeddings=False,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            dtype="float32",
        )
    )
    lean(model, tokenizer)
    return model


@torch.no_grad()
def lean(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
    """Bias the output layer. Llama has none, so one dimension of the hidden state is kept constant for it."""
    model.model.embed_tokens.weight.div_(model.config.initializer_range)
    model.model.embed_tokens.weight[:, 0] = 4.0
    for layer in model.model.layers:
        layer.self_attn.o_proj.weight[0] = 0
        layer.mlp.down_proj.weight[0] = 0
    sample = tokenizer(" ".join(sentences(20)), return_tensors="pt")["input_ids"]
    carried = model.model(sample).last_hidden_state[..., 0].mean().item()
    head = model.lm_head.weight
    for token in range(len(tokenizer)):
        bias = leaning(tokenizer.decode([token]))
        if bias >= 0:
            head[token] *= 4  # far apart, so that sampling too takes one of a few words
            head[token] -= 7 * normalize(model.model.embed_tokens.weight[token], dim=0)  # and seldom one twice running
        head[token, 0] = bias / carried


def main(folder: Path) -> None:
    tokenizer = make_tokenizer()
    for name, shape in SHAPES.items():
        model = make_model(shape, tokenizer)
        model.save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
        print(f"{folder / name}: {model.num_parameters() / 1e6:.1f} M parameters")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
