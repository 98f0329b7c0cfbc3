from django.db import migrations, models

NAMES = {
    "CoreFunction": {"Login": "登录", "Audio and video calls": "音视频通话", "Video preview": "视频预览", "Door opening": "开门"},
    "Client": {"App": "应用", "Device": "设备", "Web": "网页端"},
}


def translate(apps, schema_editor):
    """Translate the names that the portal brought along; those that an operator typed stay untranslated."""
    for model, names in NAMES.items():
        for name, name_zh in names.items():
            apps.get_model("customers", model).objects.filter(name=name, name_zh="").update(name_zh=name_zh)


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0002_functions_and_clients_of_clause_1_4'),
    ]

    operations = [
        migrations.AddField(
            model_name='client',
            name='name_zh',
            field=models.CharField(blank=True, help_text='Shown to readers of Chinese. Empty: they read the name above.', max_length=200, verbose_name='name in Chinese'),
        ),
        migrations.AddField(
            model_name='corefunction',
            name='name_zh',
            field=models.CharField(blank=True, help_text='Shown to readers of Chinese. Empty: they read the name above.', max_length=200, verbose_name='name in Chinese'),
        ),
        migrations.AddField(
            model_name='region',
            name='name_zh',
            field=models.CharField(blank=True, help_text='Shown to readers of Chinese. Empty: they read the name above.', max_length=200, verbose_name='name in Chinese'),
        ),
        migrations.RunPython(translate, migrations.RunPython.noop),
    ]
