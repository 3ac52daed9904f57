"""The addresses of the mailstore app."""

from django.urls import path

from mailstore import act_views, choosing_views, contents, palette, search_views, views
from mailstore.reading import views as reading

MESSAGE = "<uuid:account>/m/<uuid:message>/"

urlpatterns = [
    path("", views.home, name="mail_home"),
    path("all/<str:view>/", views.merged, name="mail_all"),
    path("labels/<uuid:label>/", views.labelled, name="mail_labelled"),
    path("search/", views.search, name="mail_search"),
    path("search/save/", search_views.save, name="mail_search_save"),
    path("search/forget/", search_views.forget, name="mail_search_forget"),
    path("act/", act_views.act, name="mail_act"),
    path("undo/", act_views.undo, name="mail_undo"),
    path("snooze/", choosing_views.snooze, name="mail_snooze"),
    path("label/", choosing_views.label, name="mail_label"),
    path("rail/", views.rail, name="mail_rail"),
    path("palette/", palette.palette, name="mail_palette"),
    path("changes/", views.changes, name="mail_changes"),
    path(MESSAGE, views.message, name="mail_message"),
    path(f"{MESSAGE}body/", contents.body, name="mail_body"),
    path(f"{MESSAGE}raw/", contents.raw, name="mail_raw"),
    path(f"{MESSAGE}images/<str:token>", contents.image, name="mail_image"),
    path(f"{MESSAGE}images-of-sender/", reading.images_of_sender, name="mail_images_of_sender"),
    path(f"{MESSAGE}unsubscribe/", reading.unsubscribe, name="mail_unsubscribe"),
    path(f"{MESSAGE}files/", contents.files, name="mail_files"),
    path(f"{MESSAGE}parts/<str:number>/", contents.part, name="mail_part"),
    path("<uuid:account>/<str:folder>/", views.folder, name="mail_folder"),
]
