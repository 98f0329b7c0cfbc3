"""Who promises in the demo, and by which calendar."""

OPERATOR = {
    "name": "Example Intercom Cloud GmbH",
    "name_zh": "示例对讲云有限公司",
    "address": "Musterkai 1, 20457 Hamburg, Germany",
    "address_zh": "德国汉堡示例码头 1 号，邮编 20457",
    "contact_email": "sla@example.com",
    "contact_phone": "+49 40 5550100",
    "imprint_url": "https://example.com/imprint",
    "privacy_url": "https://example.com/privacy",
    "sender": "",
    "reply_to": "sla@example.com",
    "accent_light": "",
    "accent_dark": "",
    "languages": "en,zh-hans",
    "default_language": "en",
    "customer_language": "en",
}
CALENDAR = "Invented for the demo"
