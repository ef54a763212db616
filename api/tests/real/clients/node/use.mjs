// openai-node against the base URL given: prints, as one JSON object, what each kind of call came to.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "none", maxRetries: 0 });
const model = "words";
const messages = [{ role: "user", content: "hello world" }];
const ask = { model, messages, max_tokens: 200, temperature: 0 };
const schema = {
  type: "object",
  properties: { city: { type: "string", maxLength: 8 }, unit: { enum: ["C", "F"] } },
  required: ["city", "unit"],
  additionalProperties: false,
};
const tools = [{ type: "function", function: { name: "get_weather", strict: true, parameters: schema } }];
const response_format = { type: "json_schema", json_schema: { name: "weather", strict: true, schema } };

const errorOf = async (call) => {
  try {
    await call;
  } catch (error) {
    return `${error.constructor.name} ${error.status} ${error.code}`;
  }
};

const whole = await client.chat.completions.create({ ...ask, max_tokens: 20 });
const streamed = await client.chat.completions.stream({ ...ask, max_tokens: 20 }).finalContent();
const tooled = await client.chat.completions.create({ ...ask, tools, tool_choice: "required" });
const shaped = await client.chat.completions.create({ ...ask, response_format });
const response = await client.responses.create({ model, input: "hello world", max_output_tokens: 20, temperature: 0 });
const responded = await client.responses
  .stream({ model, input: "hello world", max_output_tokens: 20, temperature: 0 })
  .finalResponse();
const models = await client.models.list();

console.log(
  JSON.stringify({
    whole: whole.choices[0].message.content,
    streamed,
    tool: JSON.parse(tooled.choices[0].message.tool_calls[0].function.arguments),
    shaped: JSON.parse(shaped.choices[0].message.content),
    response: response.output_text,
    responded: responded.output_text,
    models: models.data.map((found) => found.id),
    tooLong: await errorOf(
      client.chat.completions.create({ model, messages: [{ role: "user", content: "!".repeat(2100) }] }),
    ),
    unknown: await errorOf(client.chat.completions.create({ ...ask, model: "nope" })),
  }),
);
