/** Where things live: pages and API. */

export const chatPage = (conversation) => `/chat/${conversation}/`;
export const executionPage = (execution) => `/executions/${execution}/`;
/** Of `{template}` or `{definition}`. */
export const forecastApi = ({ template, definition }) => `/api/v1/${template ? `templates/${template}` : `definitions/${definition}`}/forecast/`;
export const budgetPage = (budget) => `/budgets/#budget-${budget}`;
export const approvalPage = (approval) => `/approvals/?approval=${approval}`;
export const CHAT = "/api/v1/chat/";
export const CONVERSATIONS = "/api/v1/conversations/";
export const conversationApi = (conversation) => `${CONVERSATIONS}${conversation}/`;
export const ratingsApi = (conversation) => `${conversationApi(conversation)}ratings/?page_size=200`;
export const ratingApi = (conversation, message) => `${conversationApi(conversation)}messages/${message}/rating/`;
export const executionApi = (execution) => `/api/v1/executions/${execution}/`;
export const callsApi = (execution, cursor) =>
  `/api/v1/model-calls/?execution=${execution}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`;

/** Lists of everyone's rows, as their filters ask. */
export const executionRows = (asked) => `/executions/?${new URLSearchParams({ of: "all", ...asked })}`;
export const modelCallRows = (asked) => `/model-calls/?${new URLSearchParams({ of: "all", ...asked })}`;
